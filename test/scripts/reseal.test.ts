import { createServer, type Server } from "node:http";

import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";

import { runNode } from "./run.ts";

const TOKEN = "the-token-of-the-operator-of-this-test";

let server: Server;
let url: string;
let answers: { resealed: number; left: number; unaddressed: number }[];
let asked: string[];

beforeAll(async () => {
  server = createServer(({ method, url: path, headers }, response) => {
    asked.push(`${method} ${path}`);
    const isOperator = headers.authorization === `Bearer ${TOKEN}`;
    response.writeHead(isOperator ? 200 : 401).end(isOperator ? JSON.stringify(answers.shift()) : "no");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
});

beforeEach(() => {
  asked = [];
  answers = [];
});

afterAll(() => server.close());

const reseal = (token: string | undefined, ...flags: string[]) =>
  runNode(["scripts/reseal.ts", ...flags], { ADMIN_TOKEN: token ?? "" });

it("calls until nothing is left, and says how it stands", async () => {
  answers = [
    { resealed: 250, left: 3, unaddressed: 0 },
    // One changed at that very moment.
    { resealed: 0, left: 3, unaddressed: 0 },
    { resealed: 3, left: 0, unaddressed: 2 },
  ];
  const { code, output } = await reseal(TOKEN, "--url", url);
  expect({ code, output }).toEqual({
    code: 0,
    output:
      "250 sealed anew, 3 left\n0 sealed anew, 3 left\n3 sealed anew, 0 left\n" +
      "2 addresses not to be used again are known by the old key alone\n",
  });
  expect(asked).toEqual(Array.from({ length: 3 }, () => "POST /v1/admin/reseal"));
});

it("ends where what is left does not open", async () => {
  answers = Array.from({ length: 9 }, () => ({ resealed: 0, left: 1, unaddressed: 0 }));
  const { code, errors } = await reseal(TOKEN, "--url", url);
  expect({ code, errors }).toEqual({ code: 1, errors: expect.stringContaining("reseal.failed") });
  expect(asked).toHaveLength(3);
});

it("ends at once where it is refused, and says how", async () => {
  const { code, errors } = await reseal("another-token", "--url", url);
  expect({ code, errors }).toEqual({ code: 1, errors: `${url} answers 401: no\n` });
  expect(asked).toHaveLength(1);
});

it.each([
  [undefined, ["--url", "http://127.0.0.1:9"], 2, "ADMIN_TOKEN is not set"],
  [TOKEN, [], 2, "Say where Paybell is: --url"],
  [TOKEN, ["--url", "paybell"], 2, "--url paybell is no URL"],
  [TOKEN, ["--url", "http://127.0.0.1:9"], 1, "http://127.0.0.1:9 does not answer"],
])("says what is missing: token %s, flags %j", async (token, flags, code, message) => {
  const ended = await reseal(token, ...flags);
  expect(ended).toMatchObject({ code, output: "", errors: expect.stringContaining(message) });
});
