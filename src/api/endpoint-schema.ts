import { z } from "@hono/zod-openapi";

import { checkHeader } from "../channels/webhook.ts";
import { isChannel } from "../event/channels.ts";
import { EventTypePattern } from "../event/canonical.ts";
import { checkFilter } from "../event/filter-check.ts";
import { isEndpointSecret } from "../platform/keys.ts";
import type { EndpointHost } from "../store/endpoint-hosts.ts";
import type { endpoints } from "../store/schema.ts";
import { Instant, isoOrNull, toIso } from "./schemas.ts";
import { MAX_HEADER_LENGTH, namesOnly, SecretHeaders, whySecret } from "./secret-headers.ts";

const DAY_SECONDS = 86_400;
const Headers = z.record(z.string(), z.string().max(MAX_HEADER_LENGTH)).superRefine((headers, context) => {
  for (const [name, value] of Object.entries(headers)) {
    const checked = checkHeader(name, value);
    const message = checked.ok ? whySecret(name) : checked.message;
    if (message !== null) {
      context.addIssue({ code: "custom", path: [name], message });
    }
  }
});

/** Which events an endpoint wants, by what is in them: `event/filter.ts`. */
export const Filter = z
  .record(z.string(), z.unknown())
  .superRefine((filter, context) => {
    for (const { path, message } of checkFilter(filter)) {
      context.addIssue({ code: "custom", path, message });
    }
  })
  .openapi({ example: { "data.payment.amount.value": { $gte: 1000 } } });

const fields = {
  url: z
    .string()
    .max(2048)
    .openapi({ description: "An https URL with a public host name and the port 443 or one from 1024 on." }),
  eventTypes: z.array(EventTypePattern).min(1).max(200).nullable().openapi({
    description:
      "The types of events that the endpoint wants, or families of them such as `payment.*`. `*` and `null`: all, except those about Paybell's own work (docs/operations.md).",
  }),
  filter: Filter.nullable().openapi({
    description: "The endpoint gets only events that pass this filter (docs/endpoints.md). `null`: it gets all.",
  }),
  payload: z.enum(["full", "raw", "thin"]).openapi({
    description:
      "`raw`: the body also has the provider's own object, under `data.raw`. `thin`: it has only id, type, time and a link to the event.",
  }),
  headers: Headers.nullable(),
  secretHeaders: SecretHeaders.nullable(),
  ordering: z.enum(["user", "payment", "none"]).openapi({
    description:
      "In which order the endpoint gets events: one after the other for each user, for each payment, or in no order.",
  }),
  maxHold: z.int().min(0).max(DAY_SECONDS).openapi({
    description:
      "For how many seconds an event that the endpoint answers with errors holds up those behind it. 0: until it is delivered or given up.",
  }),
  retrySchedule: z.array(z.int().min(1).max(DAY_SECONDS)).min(1).max(20).nullable().openapi({
    description:
      "Seconds to wait before the second and each later attempt. `null`: the default schedule (docs/delivery.md).",
  }),
  timeoutSeconds: z.int().min(5).max(30),
  rateLimit: z
    .number()
    .min(0.1)
    .max(1000)
    .nullable()
    .openapi({ description: "How many attempts a second Paybell makes at most. `null`: no limit." }),
  includeStale: z.boolean(),
  livemode: z
    .boolean()
    .nullable()
    .openapi({ description: "`true`: only live events; `false`: only test events; `null`: both." }),
  compat: z.enum(["svix"]).nullable().openapi({ description: "`svix`: Paybell sends the `svix-*` headers too." }),
  signatures: z.enum(["hmac", "hmac+ed25519"]).openapi({
    description:
      "How webhooks are signed: with the endpoint's secret, or also with your Ed25519 key, whose public half Paybell publishes.",
  }),
  description: z.string().max(500).nullable(),
};

const { url, ...optional } = fields;

/** A secret as Standard Webhooks writes it. */
export const EndpointSecret = z.string().refine(isEndpointSecret, "whsec_ and base64 of 24 to 64 bytes");

/** What an endpoint is made of: all but the URL has a default. */
export const NewEndpoint = z
  .strictObject({
    url,
    ...z.object(optional).partial().shape,
    secret: EndpointSecret.optional(),
  })
  .openapi("NewEndpoint");

/** A change of an endpoint: what is left out stays. */
export const EndpointChange = z.strictObject(z.object(fields).partial().shape).openapi("EndpointChange");

/** Whether an endpoint's host has said that it wants its merchant's webhooks. */
const Verification = z
  .object({
    status: z
      .enum(["pending", "verified"])
      .openapi({ description: "`pending`: deliveries for the endpoint wait until its host is verified." }),
    host: z.string(),
    token: z.string().openapi({ description: "The text that the file `/.well-known/paybell` on the host must hold." }),
    how: z.enum(["file", "challenge", "before"]).nullable().openapi({
      description:
        "How the host was verified: by the `file`, or by answering a `challenge`. `before`: it got webhooks before hosts had to be verified.",
    }),
    verifiedAt: Instant.nullable(),
    checkedAt: Instant.nullable(),
    failure: z.string().nullable().openapi({ description: "Why the last check failed." }),
  })
  .openapi("EndpointVerification");

/** An endpoint as the API shows it; its secret has a call of its own. */
export const Endpoint = z
  .object({
    id: z.string(),
    ...fields,
    status: z.enum(["enabled", "paused", "disabled"]).openapi({
      description: "Deliveries for an endpoint that is paused or disabled wait until it is enabled again.",
    }),
    disabledReason: z.enum(["gone", "failing"]).nullable().openapi({
      description:
        "`gone`: the endpoint answered 410 to three events in a row. `failing`: it has taken no event for days.",
    }),
    disabledAt: Instant.nullable(),
    verification: Verification.nullable().openapi({ description: "`null`: the host need not be verified." }),
    createdAt: Instant,
    updatedAt: Instant,
  })
  .openapi("Endpoint");

/** How an endpoint does. */
const Health = z
  .object({
    breaker: z.enum(["closed", "open", "half_open", "unknown"]).openapi({
      description:
        "`open`: Paybell leaves the endpoint alone for a while, since it fails. `half_open`: Paybell tries it with one delivery. `unknown`: Paybell cannot say at the moment.",
    }),
    pending: z.int().openapi({
      description: "How many deliveries wait for the endpoint, counted among the last 10,000 that are not delivered.",
    }),
    oldestPendingAt: Instant.nullable(),
    lastSuccessAt: Instant.nullable(),
    lastFailure: z.object({ at: Instant, class: z.string(), status: z.int().nullable() }).nullable(),
    nextAttemptAt: Instant.nullable(),
  })
  .openapi("EndpointHealth");

export type Health = z.infer<typeof Health>;

export const EndpointWithHealth = Endpoint.extend({ health: Health }).openapi("EndpointWithHealth");

/** An endpoint's row as the API shows it. `host`: what is on record of its host. */
export function toEndpoint(
  {
    merchant: _merchant,
    secret: _secret,
    previousSecrets: _previousSecrets,
    watch: _watch,
    awaitsHost,
    secretHeaders,
    maxHoldSeconds,
    disabledAt,
    createdAt,
    updatedAt,
    ...row
  }: typeof endpoints.$inferSelect,
  host: EndpointHost | null,
): z.infer<typeof Endpoint> {
  return {
    ...row,
    verification: host && {
      status: awaitsHost === null ? "verified" : "pending",
      host: host.host,
      token: host.token,
      how: host.how,
      verifiedAt: isoOrNull(host.verifiedAt),
      checkedAt: isoOrNull(host.checkedAt),
      failure: host.failure,
    },
    secretHeaders: namesOnly(secretHeaders),
    maxHold: maxHoldSeconds,
    disabledAt: isoOrNull(disabledAt),
    createdAt: toIso(createdAt),
    updatedAt: toIso(updatedAt),
  };
}

/** The id that a merchant gives an endpoint. */
export const OwnIdParam = z.object({
  id: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/, "1 to 64 of A-Z a-z 0-9 _ -")
    .refine((id) => !isChannel(id), "This is the name of a channel: an endpoint of that name would be taken for one"),
});
