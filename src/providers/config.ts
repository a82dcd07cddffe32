import { z } from "zod";

import { ModeConfig } from "./reading.ts";

// What the `config` of a source may hold. The API checks it where it is written; adapters only read it.

/** `autoCapture`: the account captures by itself, so that an authorisation is a payment. */
export const AdyenConfig = z.strictObject({ autoCapture: z.boolean().optional() });

/** `signature`: `token` for accounts whose header repeats the secret hash, instead of signing with it. */
export const FlutterwaveV4Config = ModeConfig.extend({ signature: z.enum(["hmac", "token"]).optional() });

export const MollieConfig = ModeConfig.extend({ webhooks: z.enum(["signed", "legacy"]).optional() });

const HeaderName = z.string().regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$/, "The name of an HTTP header");
const Part = z.union([z.enum(["id", "timestamp", "url", "body"]), z.strictObject({ text: z.string().max(16) })]);

/** How a source signs. All of it has a default, which is what most systems do: hex SHA-256 over the body. */
export const HmacConfig = z
  .strictObject({
    header: HeaderName.optional(),
    /** Taken off the signature if it is there. */
    prefix: z.string().max(32).optional(),
    algorithm: z.enum(["sha1", "sha256", "sha512"]).optional(),
    encoding: z.enum(["hex", "base64", "base64url"]).optional(),
    secretEncoding: z.enum(["utf8", "hex", "base64"]).optional(),
    /** What is signed, joined as bytes. */
    signed: z.array(Part).min(1).max(8).optional(),
    idHeader: HeaderName.optional(),
    /** JSON Pointer to the event's id in the body. */
    idFrom: z
      .string()
      .max(256)
      .regex(/^(\/([^~/]|~[01])*)+$/, "A JSON Pointer, such as /id")
      .optional(),
    timestampHeader: HeaderName.optional(),
    timestampUnit: z.enum(["s", "ms", "iso"]).optional(),
    toleranceSeconds: z.int().min(1).max(86_400).optional(),
  })
  .superRefine(({ signed = ["body"], idHeader, timestampHeader }, context) => {
    const needs = (isMissing: boolean, path: string, message: string) =>
      isMissing && context.addIssue({ code: "custom", path: [path], message });
    needs(!signed.includes("body"), "signed", "The body has to be signed");
    needs(signed.includes("id") && !idHeader, "idHeader", "What is signed names the id: say which header it is in");
    needs(
      signed.includes("timestamp") && !timestampHeader,
      "timestampHeader",
      "What is signed names the timestamp: say which header it is in",
    );
  });

export type HmacConfig = z.infer<typeof HmacConfig>;
