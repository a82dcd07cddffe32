// How the project's commands read their command lines: `--help` everywhere, and plain words where one is wrong.

import { parseArgs, type ParseArgsConfig } from "node:util";

type Options = NonNullable<ParseArgsConfig["options"]>;

/** What is wrong with a command line. It is told with the usage, and the command ends with 2. */
export class UsageError extends Error {}

/** A command line as it may be written. */
export interface CommandLine<O extends Options> {
  /** What `--help` prints: what the command does, and each flag. */
  usage: string;
  /** Its flags, as `parseArgs` wants them; `--help` is added. */
  options: O;
  /** Whether words may stand beside the flags. */
  takesWords?: boolean;
}

type Parsed<O extends Options> = ReturnType<typeof parseArgs<{ options: O; allowPositionals: true }>>;

/**
 * Reads the command line of this process. Where it asks for help, prints the usage and ends with 0; where it has
 * something unknown, says so with the usage and ends with 2, before anything is done.
 */
export function readCommandLine<const O extends Options>({
  usage,
  options,
  takesWords = false,
}: CommandLine<O>): Parsed<O> {
  try {
    const withHelp = { ...options, help: { type: "boolean", short: "h" } } as const;
    const parsed = parseArgs({ options: withHelp, allowPositionals: true });
    if ((parsed.values as { help?: boolean }).help) {
      console.log(usage);
      process.exit(0);
    }
    if (!takesWords && parsed.positionals.length > 0) {
      throw new UsageError(`Unexpected argument '${parsed.positionals[0]}'`);
    }
    return parsed as Parsed<O>;
  } catch (error) {
    console.error(`${firstSentence(error)}\n\n${usage}`);
    process.exit(2);
  }
}

/**
 * Runs a command: `main` gets its flags and words, and returns the exit code, with which the process ends whatever is
 * still open. An error ends it with 1 and its message, a {@link UsageError} with 2 and the usage besides.
 */
export async function command<const O extends Options>(
  line: CommandLine<O>,
  main: (values: Parsed<O>["values"], words: string[]) => Promise<number> | number,
): Promise<void> {
  const { values, positionals } = readCommandLine(line);
  try {
    process.exit(await main(values, positionals));
  } catch (error) {
    console.error(messageOf(error));
    if (error instanceof UsageError) console.error(`\n${line.usage}`);
    process.exit(error instanceof UsageError ? 2 : 1);
  }
}

/** The whole number that a flag's value is. Throws a {@link UsageError} if it is none from `least` to `most`. */
export function wholeNumber(flag: string, text: string, least: number, most: number): number {
  const number = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (!(number >= least && number <= most)) {
    throw new UsageError(`${flag} is a whole number from ${least} to ${most}, not '${text}'`);
  }
  return number;
}

/** The URL that a flag's value is. Throws a {@link UsageError} if it is none that can be called. */
export function webUrl(flag: string, text: string): string {
  if (!/^https?:$/.test(URL.parse(text)?.protocol ?? "")) throw new UsageError(`${flag} ${text} is no URL`);
  return text;
}

/** What an error says. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Without the hints that Node adds about how to write words that begin with a dash. */
function firstSentence(error: unknown): string {
  return messageOf(error).split(". To specify")[0]!;
}
