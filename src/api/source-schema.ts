import { z } from "@hono/zod-openapi";

import { AUTHENTICITIES } from "../event/event.ts";
import { providers } from "../providers/index.ts";
import { MAX_SECRETS } from "../providers/signature.ts";
import { Instant } from "./schemas.ts";
import { Credential } from "./source-credential.ts";

/** A provider's signing secret, as the provider has it; its form is the provider's affair. */
export const Secret = z.string().min(1).max(8192);
const Pointer = z
  .string()
  .max(256)
  .regex(
    /^(\/([^~/]|~[01])*)*$/,
    "A JSON Pointer (RFC 6901) into the provider's payload, such as /data/object/customer",
  );

/** What is part of a user's id holds what such an id may hold. */
const UserPrefix = z
  .string()
  .regex(/^[^\p{Cc}\p{Cs}]{0,64}$/u, "Up to 64 characters, none of them a control character");

const Fields = {
  config: z.record(z.string(), z.unknown()).optional().openapi({
    description: "Settings of the provider besides secrets, such as how the requests of an `hmac` source are signed.",
  }),
  userFrom: Pointer.optional().openapi({
    description:
      "A JSON Pointer to the user's id in the provider's payload. Without it, the user is the provider's customer.",
  }),
  userPrefix: UserPrefix.optional().openapi({
    description: "Put before the ids of this source's users, so that the same id at two providers is two users.",
  }),
  minAuthenticity: z.enum(AUTHENTICITIES).optional().openapi({
    description:
      "Paybell tells people only of events that are at least this sure (docs/people.md). `fetched` by default.",
  }),
  description: z.string().max(500).optional(),
};

/** The body that makes a source. */
export const NewSource = z
  .strictObject({
    provider: z.enum(Object.keys(providers) as [keyof typeof providers]),
    secrets: z.array(Secret).max(MAX_SECRETS).optional(),
    credential: Credential.optional(),
    ...Fields,
  })
  .openapi("NewSource");

/** The body that changes one: what it does not name stays. */
export const SourceChange = z
  .strictObject({
    ...Fields,
    credential: Credential.nullable().optional().openapi({ description: "`null` removes the credential." }),
  })
  .openapi("SourceChange");

/** A source, without its secrets. */
export const Source = z
  .object({
    id: z.string(),
    provider: z.string(),
    ingestUrl: z.url(),
    status: z.enum(["awaiting_secret", "active"]),
    secrets: z
      .array(z.object({ id: z.string(), createdAt: Instant }))
      .openapi({ description: "The secrets that requests to the ingest URL are verified with, without their text." }),
    hasCredential: z.boolean(),
    config: z.record(z.string(), z.unknown()).nullable(),
    userFrom: z.string().nullable(),
    userPrefix: z.string().nullable(),
    minAuthenticity: z.enum(AUTHENTICITIES),
    description: z.string().nullable(),
    createdAt: Instant,
  })
  .openapi("Source");
