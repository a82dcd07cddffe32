import { z } from "@hono/zod-openapi";

import { ProblemError, type FieldError } from "../platform/problem.ts";
import { inPlainWords, REQUIRED } from "./plain-errors.ts";

type Issue = z.core.$ZodIssue;

// Every schema's issues, whichever room it is of.
z.config({ localeError: inPlainWords });

/** The problem of an input in which one thing is wrong. `path`: JSON Pointer to it. */
export function invalid(path: string, code: string, message: string): ProblemError {
  return new ProblemError("invalid", { errors: [{ path, code, message }] });
}

/** Refuses an input in which anything is wrong, and tells all of it. Throws the problem `invalid`. */
export function requireNone(errors: FieldError[]): void {
  if (errors.length > 0) {
    throw new ProblemError("invalid", { errors });
  }
}

/** What is wrong with an input, and what more is with those fields of it that nothing is said of yet. */
export function withMore(errors: FieldError[], more: FieldError[]): FieldError[] {
  return [...errors, ...more.filter(({ path }) => !errors.some((one) => one.path === path))];
}

/** What is wrong with an input, field by field. Of a choice of shapes, the one that was meant is explained. */
export function fieldErrors(issues: readonly Issue[], base: readonly PropertyKey[] = []): FieldError[] {
  const mistyped = new Set(issues.filter(({ code }) => code === "invalid_type").map(({ path }) => pointer(path)));
  return issues.flatMap((issue): FieldError[] => {
    const path = [...base, ...issue.path];
    if (isOfSize(issue) && mistyped.has(pointer(issue.path))) {
      return [];
    }
    if (issue.code === "unrecognized_keys") {
      return issue.keys.map((key) => ({
        path: pointer([...path, key]),
        code: "unknown_field",
        message: "This field is not known",
      }));
    }
    if (issue.code === "invalid_union" && issue.errors.length > 0) {
      const [meant] = issue.errors.filter((one) => !one.some(isOtherShape));
      return fieldErrors(meant ?? issue.errors[0] ?? [], path);
    }
    return [{ path: pointer(path), code: codeOf(issue), message: issue.message }];
  });
}

/** A code of ours or, for what needs no other, of zod's. `custom`: a rule of the field's own says what is wrong. */
function codeOf({ code, message }: Issue): string {
  if (code === "custom" || code === "invalid_union") return "invalid_value";
  return code === "invalid_type" && message === REQUIRED ? "required" : code;
}

/** Whether an issue is about how long or large something is: of what is another thing altogether, that says nothing. */
function isOfSize({ code }: Issue): boolean {
  return code === "too_big" || code === "too_small";
}

function isOtherShape({ path, code }: Issue): boolean {
  return path.length === 0 && code === "invalid_type";
}

/** The JSON Pointer to what a path of keys leads to. */
export function pointer(path: readonly PropertyKey[]): string {
  return path.map((part) => `/${String(part).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}
