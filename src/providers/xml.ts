import type { Json } from "./json.ts";
import { UnparseableError } from "./provider.ts";

// The little of XML that Braintree writes: elements, text, and attributes that say of what type an element is. No
// document types, no entities but those that XML itself has, no comments, no CDATA, no processing instructions.

/** As long as the body of a request may be. */
const MAX_LENGTH = 1024 * 1024;
/** Elements in each other deeper than this are refused. */
const MAX_DEPTH = 32;
/** The next tag, or the text up to it. */
const TOKEN = /<(\/?)([A-Za-z_][\w.-]*)((?:\s+[\w:-]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(\/?)>|[^<]+/y;
const DECLARATION = /^<\?xml version="1\.0"(?:\s+encoding="UTF-8")?\s*\?>/i;
const ENTITIES: ReadonlyMap<string, string> = new Map(
  Object.entries({ lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" }),
);
const REFERENCE = /^(?:(lt|gt|amp|quot|apos)|#(\d{1,7})|#x([\da-fA-F]{1,6}));$/;

/** An element that is not closed yet. */
interface Open {
  name: string;
  attributes: string;
  children: [name: string, value: unknown][];
  text: string;
}

/**
 * Reads a document of one root element. An element is its text; the object of its children, where it has some; their
 * list, where it says `type="array"`; null, where it says `nil="true"`.
 *
 * @throws {UnparseableError} for anything else: what is not closed or mixed, deeper than 32 levels, or of a part of XML
 *   that is not read here.
 */
export function readXml(text: string): { name: string; value: unknown } {
  if (text.length > MAX_LENGTH) fail("it is too long");
  const root: Open = { name: "", attributes: "", children: [], text: "" };
  const open = [root];
  TOKEN.lastIndex = DECLARATION.exec(text)?.[0].length ?? 0;
  while (TOKEN.lastIndex < text.length) {
    const [token, slash, name, attributes = "", lastSlash] = TOKEN.exec(text) ?? fail("a tag is malformed");
    const here = open.at(-1)!;
    if (name === undefined) {
      here.text += token;
      continue;
    }
    if (!slash) open.push({ name, attributes, children: [], text: "" });
    else if (here.name !== name || attributes || lastSlash) fail(`</${name}> closes nothing`);
    if (open.length > MAX_DEPTH + 1) fail("its elements are too deep");
    if (slash || lastSlash) {
      const element = open.pop()!;
      open.at(-1)!.children.push([element.name, valueOf(element)]);
    }
  }
  const [only, ...others] = root.children;
  if (open.length > 1 || !only || others.length > 0 || root.text.trim() !== "") fail("there is no one root element");
  return { name: only[0], value: only[1] };
}

function valueOf({ attributes, children, text }: Open): unknown {
  const isNull = /\snil\s*=\s*["']true["']/.test(attributes);
  const isList = /\stype\s*=\s*["']array["']/.test(attributes);
  if ((isNull || isList || children.length > 0) && text.trim() !== "") fail("text stands where there is to be none");
  if (isNull && children.length > 0) fail("nothing has elements in it");
  if (isNull) return null;
  if (isList) return children.map(([, value]) => value);
  return children.length > 0 ? objectOf(children) : unescaped(text);
}

/** What comes more than once is the list of all, so that nobody takes one of them for the only one. */
function objectOf(children: [name: string, value: unknown][]): Json {
  const groups = Map.groupBy(children, ([name]) => name);
  return Object.fromEntries(
    [...groups].map(([name, group]) => {
      const values = group.map(([, value]) => value);
      return [name, values.length > 1 ? values : values[0]];
    }),
  );
}

function unescaped(text: string): string {
  return text.replaceAll(/&([^;&]{0,16};?)/g, (_, rest: string) => characterOf(rest) ?? fail("an entity is unknown"));
}

/** The character that `lt;`, `#233;` or `#xE9;` stands for; null where it is none. */
function characterOf(reference: string): string | null {
  const [, name, decimal, hex] = REFERENCE.exec(reference) ?? [];
  if (name !== undefined) return ENTITIES.get(name)!;
  const code = decimal === undefined ? Number.parseInt(hex ?? "", 16) : Number(decimal);
  return code <= 0x10ffff && !(code >= 0xd800 && code < 0xe000) ? String.fromCodePoint(code) : null;
}

function fail(what: string): never {
  throw new UnparseableError(`the body is not the XML that Braintree writes: ${what}`);
}
