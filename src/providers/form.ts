/** The fields of a form (`application/x-www-form-urlencoded`, UTF-8); null where one comes twice. */
export function formOf(body: Uint8Array): Map<string, string> | null {
  const pairs = [...new URLSearchParams(new TextDecoder().decode(body))];
  const form = new Map(pairs);
  return pairs.length === form.size ? form : null;
}
