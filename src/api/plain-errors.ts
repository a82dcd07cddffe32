import type { z } from "@hono/zod-openapi";

/** What is said of a field that is missing. */
export const REQUIRED = "This field is required";

/**
 * What is wrong with a value, in plain words, where its schema does not say that itself. Holds for all kinds of issues
 * that zod 4 has (https://zod.dev/error-customization).
 */
export function inPlainWords(issue: z.core.$ZodRawIssue): string {
  switch (issue.code) {
    case "invalid_type":
      return issue.input === undefined ? REQUIRED : `This has to be ${TYPES.get(issue.expected) ?? issue.expected}`;
    case "invalid_value":
      return oneOf(issue.values);
    case "too_small":
      return sized(
        issue.exact ? "exactly" : issue.inclusive === false ? "more than" : "at least",
        issue.minimum,
        issue.origin,
      );
    case "too_big":
      return sized(
        issue.exact ? "exactly" : issue.inclusive === false ? "less than" : "at most",
        issue.maximum,
        issue.origin,
      );
    case "invalid_format":
      return FORMATS.get(issue.format) ?? "This is not written as this field has to be";
    case "not_multiple_of":
      return `This has to be a multiple of ${issue.divisor}`;
    case "unrecognized_keys":
      return "This field is not known";
    case "invalid_key":
      return "This name is not allowed here";
    case "invalid_element":
      return "One of these values is not valid";
    case "invalid_union":
      return Array.isArray(issue["options"]) ? oneOf(issue["options"]) : "This has none of the forms that it may have";
    case "custom":
      return "This is not valid";
  }
}

const TYPES = new Map<string, string>(
  Object.entries({
    string: "a string",
    number: "a number",
    int: "a whole number",
    boolean: "true or false",
    array: "a list",
    object: "an object",
    record: "an object",
    null: "null",
    never: "left out",
  }),
);

const UNITS = new Map<string, [one: string, many: string]>(
  Object.entries({
    string: ["character", "characters"],
    array: ["item", "items"],
    record: ["field", "fields"],
  }),
);

const FORMATS = new Map<string, string>(
  Object.entries({
    datetime: "An RFC 3339 time with its zone, such as 2026-11-23T12:00:00Z",
    date: "A date, such as 2026-11-23",
    email: "An email address, such as ada@example.com",
    url: "A URL, such as https://shop.example/webhooks",
  }),
);

function oneOf(values: readonly unknown[]): string {
  const [first, ...others] = values.map((value) => JSON.stringify(value));
  return others.length === 0 ? `This has to be ${first}` : `This has to be one of ${[first, ...others].join(", ")}`;
}

function sized(how: string, bound: number | bigint, origin: string): string {
  const unit = UNITS.get(origin);
  return unit
    ? `This has to have ${how} ${bound} ${unit[Number(bound) === 1 ? 0 : 1]}`
    : `This has to be ${how} ${bound}`;
}
