import { expect } from "vitest";

import { everything, send, type Answer } from "./support.ts";

/** What is refused. `path`: where the problem points; null where it concerns the whole. `says`: part of the text. */
export interface Bad {
  name: string;
  status: number;
  code: string;
  path?: string;
  says?: string;
}

/** Checks that an answer is a problem that says where and why, and that nothing has changed. */
export async function expectRefused(bad: Bad, request: () => Promise<Answer>): Promise<void> {
  const before = await everything();
  const { status, headers, json } = await request();
  expect({ status, code: json["code"] }).toEqual({ status: bad.status, code: bad.code });
  expect(headers.get("content-type")).toBe("application/problem+json");
  expect(json).toMatchObject({
    status: bad.status,
    title: expect.any(String),
    type: expect.stringMatching(/^\/problems\//),
  });
  expect(json["requestId"]).toBe(headers.get("x-request-id"));
  const errors = (json["errors"] ?? []) as { path: string; code: string; message: string }[];
  if (bad.path !== undefined) {
    expect(errors.map(({ path }) => path)).toEqual([bad.path]);
    expect(errors[0]?.code).toMatch(/^[a-z_]+$/);
  }
  if (bad.says !== undefined) {
    expect(JSON.stringify([json["detail"], errors.map(({ message }) => message)])).toContain(bad.says);
  }
  expect(await everything()).toEqual(before);
}

/** Sends JSON with a merchant's key. */
export function sendJson(
  key: string,
  method: string,
  path: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  return sendText(key, method, path, JSON.stringify(body), { "content-type": "application/json", ...headers });
}

/** Sends a text as it is with a merchant's key. */
export function sendText(
  key: string,
  method: string,
  path: string,
  body: string,
  headers: Record<string, string>,
): Promise<Answer> {
  return send(method, path, { headers: { authorization: `Bearer ${key}`, ...headers }, body });
}
