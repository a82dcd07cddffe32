type Fields = Record<string, unknown>;

/**
 * What an error says, for a line. A failed query's message quotes the values it was given, which may be a person's: its
 * cause says what was wrong.
 */
export function reasonOf(error: unknown): string {
  const isQuery = error instanceof Error && "params" in error;
  return String(isQuery ? error.cause : error).replace(/\nparams: [^]*/, "");
}

/** Where an error was thrown, without what it says. */
export function placeOf(error: Error): string {
  return (error.stack ?? "")
    .split("\n")
    .filter((line) => /^\s+at /.test(line))
    .join("\n");
}

/**
 * A fault of ours for a line: its kind and where it was thrown, and not what it says, which may quote what was posted.
 */
export function traceOf(error: unknown): { name?: string; stack?: string } {
  return error instanceof Error ? { name: error.name, stack: placeOf(error) } : {};
}

/**
 * The only way to the console: one JSON object a line, which Workers Logs indexes. `message` is a dotted name such as
 * `event.spilled`; fields are ids and figures, never bodies, headers, secrets or personal data. An error goes in as it is: what it says is
 * cut down to its reason here.
 */
export const log = {
  info: (message: string, fields: Fields = {}): void => console.info(lineOf(message, fields)),
  warn: (message: string, fields: Fields = {}): void => console.warn(lineOf(message, fields)),
  error: (message: string, fields: Fields = {}): void => console.error(lineOf(message, fields)),
};

function lineOf(message: string, fields: Fields): string {
  return JSON.stringify({ message, ...fields }, (_, value: unknown) =>
    value instanceof Error ? reasonOf(value) : value,
  );
}
