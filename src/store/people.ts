import { and, eq, inArray, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import type { AnySQLiteColumn } from "drizzle-orm/sqlite-core";

import type { Channel } from "../event/channels.ts";
import { blindIndex, blindIndexes } from "../platform/blind-index.ts";
import { open, seal } from "../platform/secret-box.ts";
import { copiesOf, forget, forgetOne, freshCopy, type Found, type Loaded } from "./copies.ts";
import { suppressions, users, type SuppressionReason } from "./schema.ts";

/** The channels whose addresses a user has. */
export type AddressedChannel = Extract<Channel, "email" | "sms">;

/** One address of a person. `suppressed`: why it is not to be used, if it is not. */
export interface Contact {
  address: string;
  suppressed: SuppressionReason | null;
}

/** Whom an event concerns. */
export interface UserRef {
  merchant: string;
  user: string;
}

/** A user as messages need one. */
export interface Person extends UserRef {
  email: Contact | null;
  phone: (Contact & { verified: boolean }) | null;
  locale: string | null;
  createdAt: number;
  updatedAt: number;
}

/** People from this isolate's copies, those of which it is old in one round trip; unknown ones are left out. */
export async function peopleOf(env: Env, refs: UserRef[], now = Date.now()): Promise<Found<Map<string, Person>>> {
  const byKey = new Map(refs.map((ref) => [personKey(ref), ref]));
  return copiesOf([...byKey.keys()], now, (keys) =>
    loadPeople(
      env,
      keys.map((key) => byKey.get(key)!),
    ),
  );
}

/** One person; null where the merchant has none of that id. */
export async function personOf(env: Env, ref: UserRef, now = Date.now()): Promise<Found<Person | null>> {
  const found = await peopleOf(env, [ref], now);
  return found.ok ? { ok: true, value: found.value.get(personKey(ref)) ?? null } : found;
}

/** One person as D1 has it now, past this isolate's copy. */
export async function freshPerson(env: Env, ref: UserRef, now = Date.now()): Promise<Found<Person | null>> {
  return freshCopy(personKey(ref), now, async () => (await loadPeople(env, [ref])).get(personKey(ref))!);
}

/** People as D1 has them now, in the order asked for; unknown ones are left out. Throws where D1 does. */
export async function freshPeople(env: Env, refs: UserRef[]): Promise<Person[]> {
  const loaded = await loadPeople(env, refs);
  return refs.flatMap((ref) => loaded.get(personKey(ref))?.value ?? []);
}

/** Forgets this isolate's copy of one person, after a change of that person alone. */
export function forgetUser(ref: UserRef): void {
  forgetOne(personKey(ref));
}

/** Sees to it that an address is not used again. The first reason stays, but that the person said no outweighs. */
export async function suppress(
  env: Env,
  merchant: string,
  channel: AddressedChannel,
  address: string,
  reason: SuppressionReason,
): Promise<void> {
  const key = { merchant, channel, addressHash: await addressHash(env, merchant, channel, address) };
  const sealed = await seal(env.ENCRYPTION_KEY, suppressionRow(key), address);
  await drizzle(env.DB)
    .insert(suppressions)
    .values({ ...key, reason, createdAt: Date.now(), address: sealed })
    .onConflictDoUpdate({
      target: [suppressions.merchant, suppressions.channel, suppressions.addressHash],
      set: { reason, address: sealed },
      setWhere: sql`excluded.reason = 'opted_out'`,
    });
  forget(merchant);
}

/** The statement that lets an address be used again. `hashes`: all under which it may be stored. */
export function unsuppressing(d1: D1Database, merchant: string, channel: AddressedChannel, hashes: string[]) {
  return drizzle(d1)
    .delete(suppressions)
    .where(
      and(
        eq(suppressions.merchant, merchant),
        eq(suppressions.channel, channel),
        inArray(suppressions.addressHash, hashes),
      ),
    );
}

/** The keyed hash by which an address is found: an email's in lower case, a phone's in E.164. */
export async function addressHash(
  env: Env,
  merchant: string,
  channel: AddressedChannel,
  address: string,
): Promise<string> {
  return blindIndex(env.ENCRYPTION_KEY, `${merchant}/${channel}`, address.toLowerCase());
}

/** The hashes under which an address may be stored: two while the key-encryption key is replaced. */
export async function addressHashes(
  env: Env,
  merchant: string,
  channel: AddressedChannel,
  address: string,
): Promise<string[]> {
  return blindIndexes(env, `${merchant}/${channel}`, address.toLowerCase());
}

/** What an address that is not used again is sealed under. */
export function suppressionRow(key: { merchant: string; channel: Channel; addressHash: string }): string {
  return `${key.merchant}/suppressed/${key.channel}/${key.addressHash}`;
}

/** What an address of a user is sealed under. */
export function addressRow({ merchant, user }: UserRef, channel: AddressedChannel): string {
  return `${merchant}/user/${user}/${channel}`;
}

function personKey({ merchant, user }: UserRef): string {
  return `user/${merchant}/${user}`;
}

async function loadPeople(env: Env, refs: UserRef[]): Promise<Map<string, Loaded<Person | null>>> {
  const pairs = JSON.stringify(refs.map(({ merchant, user }) => [merchant, user]));
  const suppressed = (channel: AddressedChannel, hash: AnySQLiteColumn) =>
    sql<SuppressionReason | null>`(select reason from ${suppressions} where ${suppressions.merchant} = ${users.merchant}
      and ${suppressions.channel} = ${channel} and ${suppressions.addressHash} = ${hash})`;
  const rows = await drizzle(env.DB)
    .select({
      user: users,
      emailSuppressed: suppressed("email", users.emailHash),
      phoneSuppressed: suppressed("sms", users.phoneHash),
    })
    .from(users)
    .where(sql`(${users.merchant}, ${users.id}) in (select value->>0, value->>1 from json_each(${pairs}))`);
  const people = rows.map(async ({ user: row, emailSuppressed, phoneSuppressed }): Promise<Person> => {
    const { merchant, id, locale, createdAt, updatedAt } = row;
    const opened = async (channel: AddressedChannel, sealed: string | null) =>
      sealed === null ? null : open(env, addressRow({ merchant, user: id }, channel), sealed);
    const [email, phone] = await Promise.all([opened("email", row.email), opened("sms", row.phone)]);
    return {
      merchant,
      user: id,
      locale,
      createdAt,
      updatedAt,
      email: email === null ? null : { address: email, suppressed: emailSuppressed },
      phone: phone === null ? null : { address: phone, suppressed: phoneSuppressed, verified: row.phoneVerified },
    };
  });
  const loaded = await Promise.all(people);
  if (env.ENCRYPTION_KEY_PREVIOUS !== undefined) {
    await lookUpOtherHashes(env, loaded);
  }
  const found = new Map(loaded.map((person) => [personKey(person), person]));
  return new Map(
    refs.map((ref) => {
      const key = personKey(ref);
      return [key, { merchant: ref.merchant, value: found.get(key) ?? null }];
    }),
  );
}

/**
 * While the key-encryption key is replaced, an address that is not used may have its hash under another key than the
 * user who has it: looks those up too, and notes what it finds.
 */
async function lookUpOtherHashes(env: Env, people: Person[]): Promise<void> {
  const contacts = people.flatMap(({ merchant, email, phone }) => [
    ...(email ? [{ merchant, channel: "email" as const, contact: email }] : []),
    ...(phone ? [{ merchant, channel: "sms" as const, contact: phone }] : []),
  ]);
  const keyed = await Promise.all(
    contacts.map(async ({ merchant, channel, contact }) => {
      const hashes = await addressHashes(env, merchant, channel, contact.address);
      return { contact, keys: hashes.map((addressHash) => ({ merchant, channel, addressHash })) };
    }),
  );
  const wanted = JSON.stringify(
    keyed.flatMap(({ keys }) => keys.map((key) => [key.merchant, key.channel, key.addressHash])),
  );
  const rows = await drizzle(env.DB)
    .select()
    .from(suppressions)
    .where(
      sql`(${suppressions.merchant}, ${suppressions.channel}, ${suppressions.addressHash})
        in (select value->>0, value->>1, value->>2 from json_each(${wanted}))`,
    );
  const reasons = new Map(rows.map((row) => [suppressionRow(row), row.reason]));
  for (const { contact, keys } of keyed) {
    const found = keys.map((key) => reasons.get(suppressionRow(key)));
    contact.suppressed = found.find((reason) => reason === "opted_out") ?? found.find(Boolean) ?? contact.suppressed;
  }
}
