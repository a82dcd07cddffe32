type Fields = Record<string, unknown>;

/**
 * The only way to the console: one JSON object a line, which Workers Logs indexes. `message` is a dotted name such as
 * `event.spilled`; fields are ids and figures, never bodies, headers, secrets or personal data.
 */
export const log = {
  info: (message: string, fields: Fields = {}): void => console.info(JSON.stringify({ message, ...fields })),
  warn: (message: string, fields: Fields = {}): void => console.warn(JSON.stringify({ message, ...fields })),
  error: (message: string, fields: Fields = {}): void => console.error(JSON.stringify({ message, ...fields })),
};
