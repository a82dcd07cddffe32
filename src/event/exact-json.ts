// JSON whose numbers lose nothing. A parsed number is a double: 12345678901234567890 would come out as
// 12345678901234567000, 1e400 as null, 0.1000000000000000055 as 0.1. Pure.

/** What a text holds that has such a number: sixteen digits, or an exponent of three. Most texts have neither. */
const SUSPICIOUS = /[\d.]{16}|\d[eE][+-]?\d{3}/;

/** As JSON.parse calls it: `source` is the number as it is written. */
type Reviver = (this: unknown, key: string, value: unknown, context: { source: string }) => unknown;

/** As JSON.parse, but a number that would lose digits comes as text with all of them. Throws as JSON.parse does. */
export function parseExactly(text: string): unknown {
  return parse(text, (_, value, { source }) => (isChanged(value, source) ? source : value));
}

/** The path of keys to the first number that would lose digits; null where there is none, or the text is no JSON. */
export function findInexact(text: string): string[] | null {
  let found: { holder: unknown; path: string[] } | null = null;
  try {
    // What holds a value comes after it: the path grows towards the root, whose own key is empty.
    parse(text, function (key, value, { source }) {
      if (found === null ? isChanged(value, source) : value === found.holder) {
        found = { holder: this, path: [key, ...(found?.path ?? [])] };
      }
      return value;
    });
  } catch {
    return null;
  }
  return (found as { path: string[] } | null)?.path.slice(1) ?? null;
}

function parse(text: string, reviver: Reviver): unknown {
  return JSON.parse(text, SUSPICIOUS.test(text) ? (reviver as (key: string, value: unknown) => unknown) : undefined);
}

function isChanged(value: unknown, source: string): boolean {
  return typeof value === "number" && !(Number.isFinite(value) && decimalOf(source) === decimalOf(String(value)));
}

/** The same text for every way to write a number: its digits without zeros around them, and their exponent. */
function decimalOf(text: string): string {
  const [mantissa = "", exponent = "0"] = text.toLowerCase().split("e");
  const [whole = "", fraction = ""] = mantissa.replace("-", "").split(".");
  const digits = `${whole}${fraction}`.replace(/^0+/, "");
  let end = digits.length;
  while (digits[end - 1] === "0") end -= 1;
  const sign = mantissa.startsWith("-") ? "-" : "";
  return end === 0 ? "0" : `${sign}${digits.slice(0, end)}e${Number(exponent) - fraction.length + digits.length - end}`;
}
