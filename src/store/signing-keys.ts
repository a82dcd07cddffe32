import { and, eq, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";

import { newSigningKey, publicKeyOf } from "../platform/keys.ts";
import { rotate, validAt } from "../platform/rotation.ts";
import { open, seal, type EncryptionKeys } from "../platform/secret-box.ts";
import { among } from "./among.ts";
import { copyOf, forget, hasCopy, type Found } from "./copies.ts";
import type { Overlap, SigningSecret } from "./endpoint-secrets.ts";
import { Gathered } from "./gathered.ts";
import { optimistically } from "./optimistic.ts";
import { merchants, type StoredSigningKey } from "./schema.ts";

/** A merchant's keys, opened, the newest first. Some may have expired since the row was written. */
export async function openSigningKeys(
  keys: EncryptionKeys,
  { id, signingKeys }: { id: string; signingKeys: StoredSigningKey[] },
): Promise<SigningSecret[]> {
  return Promise.all(
    signingKeys.map(async ({ sealed, expiresAt }) => ({ secret: await open(keys, signingRow(id), sealed), expiresAt })),
  );
}

/**
 * The public halves of a merchant's valid keys, the newest first, from this isolate's copy. `isGathered`: whoever
 * asks has been refused too often.
 */
export async function publicKeys(
  env: Env,
  merchant: string,
  now = Date.now(),
  isGathered = false,
): Promise<Found<StoredSigningKey[]>> {
  const key = `signing/${merchant}`;
  const found = await copyOf(key, now, async () => {
    const value = await gatheredKeys.one(env, merchant, isGathered && !hasCopy(key));
    return value && value.length > 0 ? { merchant, value } : null;
  });
  return found.ok ? { ok: true, value: validAt(found.value ?? [], now) } : found;
}

/** Sees to it that a merchant has a key. */
export async function ensureSigningKey(env: Env, merchant: string): Promise<void> {
  await change(env, merchant, async (known) => (known.length > 0 ? known : [await newKey(env, merchant)]));
}

/**
 * Gives a merchant a new key, the first or the next, and returns those that are valid then, the newest first. Null: too
 * many would be.
 */
export async function rotateSigningKey(
  env: Env,
  merchant: string,
  overlap: Overlap,
): Promise<StoredSigningKey[] | null> {
  return change(env, merchant, async (known) => rotate(known, await newKey(env, merchant), overlap));
}

/** What a merchant's keys are sealed under. */
export function signingRow(merchant: string): string {
  return `${merchant}/signing`;
}

/** Changes a merchant's keys into what is made of them; where that is the same, or null, nothing is written. */
async function change(
  env: Env,
  merchant: string,
  make: (known: StoredSigningKey[]) => Promise<StoredSigningKey[] | null>,
): Promise<StoredSigningKey[] | null> {
  const { keys } = await optimistically(async () => {
    const known = await read(env, merchant);
    const keys = await make(known);
    if (keys === known || keys === null) {
      return { keys };
    }
    const written = await drizzle(env.DB)
      .update(merchants)
      .set({ signingKeys: keys })
      .where(and(eq(merchants.id, merchant), eq(merchants.signingKeys, known)))
      .returning({ id: merchants.id });
    forget(merchant);
    return written.length > 0 ? { keys } : null;
  });
  return keys;
}

async function read(env: Env, merchant: string): Promise<StoredSigningKey[]> {
  return (await readAll(env, [merchant])).get(merchant) ?? [];
}

const gatheredKeys = new Gathered(readAll);

async function readAll(env: Env, ids: string[]): Promise<Map<string, StoredSigningKey[]>> {
  const { id, signingKeys } = merchants;
  const rows = await drizzle(env.DB)
    .select({ id, signingKeys })
    .from(merchants)
    .where(sql`${id} in ${among(ids)}`);
  return new Map(rows.map((row) => [row.id, row.signingKeys]));
}

async function newKey(env: Env, merchant: string): Promise<StoredSigningKey & { expiresAt: null }> {
  const key = await newSigningKey();
  const sealed = await seal(env.ENCRYPTION_KEY, signingRow(merchant), key);
  return { publicKey: publicKeyOf(key), sealed, createdAt: Date.now(), expiresAt: null };
}
