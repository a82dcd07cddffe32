import { FSI, PDI } from "./plain.ts";

/** What every system has to read in, before what the mail program would take. */
const FONTS = "-apple-system, BlinkMacSystemFont, 'Segoe UI', Roboto, 'Helvetica Neue', 'Noto Sans', Arial, sans-serif";
/** A word of a hundred letters breaks: it would make the page wider than a phone. */
const STYLE = `font-family: ${FONTS}; overflow-wrap: anywhere; word-break: break-word`;

const ISOLATED = new RegExp(`${FSI}([^${PDI}]*)${PDI}`, "gu");
const ENTITIES: ReadonlyMap<string, string> = new Map(
  Object.entries({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" }),
);

/** A page of paragraphs, without images, links or scripts. All but `lang` is escaped here; isolates become `<bdi>`. */
export function htmlPage({ lang, title, paragraphs }: { lang: string; title: string; paragraphs: string[] }): string {
  const body = paragraphs.map((paragraph) => `<p>${isolate(escapeHtml(paragraph))}</p>`).join("\n");
  return `<!doctype html>
<html lang="${lang}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
</head>
<body style="${STYLE}">
${body}
</body>
</html>
`;
}

function isolate(html: string): string {
  return html.replace(ISOLATED, '<bdi dir="auto">$1</bdi>');
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => ENTITIES.get(char) ?? "");
}
