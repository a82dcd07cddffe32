import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  BaseUrl,
  classOfStatus,
  Credential,
  failureOf,
  isSuccess,
  objectIn,
  textAt,
  urlOf,
} from "../../src/channels/http-api.ts";
import { answer, NOW } from "./provider-answers.ts";

describe("a call's URL", () => {
  it.each([
    ["https://api.example", "https://api.example/emails"],
    ["https://api.example/", "https://api.example/emails"],
    ["https://api.example//", "https://api.example/emails"],
    ["http://127.0.0.1:4101/mock/v1/", "http://127.0.0.1:4101/mock/v1/emails"],
  ])("below %s is %s", (baseUrl, url) => {
    expect(urlOf(baseUrl, "/emails")).toBe(url);
  });
});

describe("a base URL", () => {
  const ofLength = (length: number) => `https://api.example/${"a".repeat(length - 20)}`;

  it.each(["https://api.example", "http://127.0.0.1:4101/a/b/", "https://[::1]:8080", ofLength(2048)])(
    "may be %s",
    (url) => {
      expect(BaseUrl.safeParse(url).success).toBe(true);
    },
  );

  it.each([
    ["nothing", ""],
    ["no host", "https://"],
    ["another scheme", "file:///etc/passwd"],
    ["another scheme in front", "javascript:https://api.example"],
    ["a space", "https://api.example/a b"],
    ["a space in front", " https://api.example"],
    ["a line break at the end", "https://api.example\n"],
    ["a tab, which parsers drop", "https://api.exam\tple"],
    ["a backslash, which parsers turn", "https://api.example\\evil"],
    ["credentials", "https://user@api.example"],
    ["empty credentials", "https://@api.example"],
    ["an empty query", "https://api.example?"],
    ["other letters", "https://api.exämple"],
    ["a port that is none", "https://api.example:99999"],
    ["too many characters", ofLength(2049)],
  ])("is refused with %s", (_, url) => {
    expect(BaseUrl.safeParse(url).success).toBe(false);
  });
});

describe("a credential", () => {
  it("is 1 to 256 visible ASCII characters, so that it fits a header as it is", () => {
    for (const good of ["r", "t0ken:with/colon~!", "x".repeat(256)]) {
      expect(Credential.safeParse(good).success).toBe(true);
    }
    for (const bad of ["", " ", "a b", "a\n", "a\u007F", "é", "x".repeat(257)]) {
      expect(Credential.safeParse(bad).success).toBe(false);
    }
  });
});

describe("the object in a body", () => {
  it.each(["", " ", "null", "true", "7", '"text"', "[]", '[{"id":"a"}]', "{", '{"id":"a"', "<html>", "\uFEFF{"])(
    "is empty when the body is %j",
    (body) => {
      expect(objectIn(body)).toEqual({});
    },
  );

  it("has text at its own keys alone, and none that is empty or no text", () => {
    const object = objectIn('{"id":"a","none":"","number":7,"null":null,"list":["a"],"__proto__":"own"}');
    const keys = ["id", "none", "number", "null", "list", "missing", "constructor", "toString", "__proto__"];
    expect(keys.map((key) => textAt(object, key))).toEqual(["a", ...Array(7).fill(null), "own"]);
    expect(textAt(objectIn("{}"), "__proto__")).toBeNull();
  });

  it("is an object, whatever comes", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (body) => {
        expect(Object.prototype.toString.call(objectIn(body))).toBe("[object Object]");
      }),
    );
  });
});

describe("a status", () => {
  it("is a success from 200 to 299", () => {
    expect([199, 200, 204, 299, 300].map(isSuccess)).toEqual([false, true, true, true, false]);
  });

  it("without a code is one of six classes, and ambiguous where a gateway gave up waiting", () => {
    const statuses = Array.from({ length: 500 }, (_, index) => index + 100).filter((status) => !isSuccess(status));
    const classes = Object.groupBy(statuses, classOfStatus);
    const { invalid, transient, ...others } = classes;
    expect(others).toEqual({
      config: [401, 403],
      content: [413],
      throttled: [429],
      ambiguous: [408, 504, 520, 522, 524],
    });
    expect(invalid!.every((status) => status >= 400 && status < 500)).toBe(true);
    expect(transient!.every((status) => status < 400 || status >= 500)).toBe(true);
  });
});

describe("a failure", () => {
  function failed(changes: Partial<Parameters<typeof failureOf>[0]>) {
    return failureOf({ class: "throttled", answer: answer(429, ""), code: null, detail: "So it is.", ...changes });
  }

  it("has the status for a code where the provider gives none", () => {
    expect(failed({})).toEqual({ ok: false, class: "throttled", code: "429", detail: "So it is." });
  });

  it("has a code of at most 64 characters and a detail of at most 500, on one line", () => {
    const { code, detail } = failed({
      code: "c".repeat(65),
      detail: ` a\u2028b\u0085\u0000c\uD800${"🎉".repeat(500)}`,
    });
    expect(code).toBe("c".repeat(64));
    expect(detail).toBe(`a b c ${"🎉".repeat(494)}`);
  });

  it.each<[Record<string, string>, number | undefined]>([
    [{ "retry-after": "1" }, 1000],
    [{ "retry-after": "soon", "ratelimit-reset": "3" }, undefined],
    [{ "ratelimit-reset": "0" }, undefined],
    [{ "ratelimit-reset": "-3" }, undefined],
    [{ "ratelimit-reset": "1.5" }, undefined],
    [{ "retry-after": new Date(NOW - 1000).toUTCString() }, undefined],
  ])("with any status asks for the pause of %j", (headers, retryAfterMs) => {
    for (const status of [400, 429, 500, 503]) {
      expect(failed({ answer: answer(status, "", headers) }).retryAfterMs).toBe(retryAfterMs);
    }
  });
});
