/** What an isolate keeps at most, in bytes as {@link weigh} counts them: it has 128 MB for everything. */
const MAX_BYTES = 32 * 1024 * 1024;

/** What the shelf holds of one merchant: bytes by key, the oldest first. */
interface Share {
  bytes: number;
  keys: Map<string, number>;
}

/**
 * Things of merchants by key, bounded by their bytes together. Where they are too much, the oldest of the merchant goes
 * that has the most: none can push out what is another's and less. The one that was put there last stays.
 */
export class Shelf<T extends { merchant: string }> {
  readonly #items = new Map<string, T>();
  readonly #shares = new Map<string, Share>();
  readonly #maxBytes: number;
  #bytes = 0;

  constructor(maxBytes = MAX_BYTES) {
    this.#maxBytes = maxBytes;
  }

  get(key: string): T | undefined {
    return this.#items.get(key);
  }

  set(key: string, item: T): void {
    this.delete(key);
    const bytes = weigh(key) + weigh(item);
    while (this.#bytes > 0 && this.#bytes + bytes > this.#maxBytes) {
      this.#pushOut();
    }
    const share = this.#shares.get(item.merchant) ?? { bytes: 0, keys: new Map<string, number>() };
    this.#items.set(key, item);
    this.#shares.set(item.merchant, share);
    share.keys.set(key, bytes);
    share.bytes += bytes;
    this.#bytes += bytes;
  }

  delete(key: string): void {
    const item = this.#items.get(key);
    const share = item && this.#shares.get(item.merchant);
    if (!share) {
      return;
    }
    const bytes = share.keys.get(key)!;
    this.#items.delete(key);
    share.keys.delete(key);
    share.bytes -= bytes;
    this.#bytes -= bytes;
    if (share.keys.size === 0) {
      this.#shares.delete(item.merchant);
    }
  }

  /** Takes down all of a merchant. */
  clear(merchant: string): void {
    for (const key of this.#shares.get(merchant)?.keys.keys() ?? []) {
      this.delete(key);
    }
  }

  #pushOut(): void {
    const shares = [...this.#shares.values()];
    const largest = shares.reduce((most, one) => (one.bytes > most.bytes ? one : most));
    this.delete(largest.keys.keys().next().value!);
  }
}

/** About how many bytes a value of plain data takes: its texts, and something for each thing in it. */
export function weigh(value: unknown): number {
  if (typeof value === "string") {
    return 16 + value.length;
  }
  if (typeof value !== "object" || value === null) {
    return 8;
  }
  return Object.values(value).reduce((sum: number, inner) => sum + 8 + weigh(inner), 32) + keysOf(value);
}

function keysOf(value: object): number {
  return Array.isArray(value) ? 0 : Object.keys(value).reduce((sum, key) => sum + 16 + key.length, 0);
}
