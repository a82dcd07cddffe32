import { DurableObject } from "cloudflare:workers";

/** Whom a payment belongs to. `usedAlone`: events were ordered under the payment itself before that was known. */
export interface Bound {
  user: string | null;
  usedAlone: boolean;
}

/**
 * Which users the payments of a source belong to: one object for a share of them, one row a payment. The first event
 * that names a user binds its payment for good; events that name none look the binding up and follow it.
 */
export class PaymentBinding extends DurableObject<Env> {
  readonly #sql: SqlStorage;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#sql = ctx.storage.sql;
    this.#sql.exec(`CREATE TABLE IF NOT EXISTS binding (
      payment TEXT PRIMARY KEY, user TEXT, used_alone INTEGER NOT NULL, at INTEGER NOT NULL
    ) WITHOUT ROWID`);
  }

  /** Binds a payment to a user unless it is bound already; returns what holds. */
  bind(payment: string, user: string): Bound {
    const bound = this.#bound(payment);
    return bound?.user ? bound : this.#save(payment, { user, usedAlone: bound?.usedAlone ?? false });
  }

  /**
   * A payment's binding as an event without a user finds it; if there is none, binds it to whom the event hints at, or
   * remembers that it stands alone.
   */
  follow(payment: string, hint?: string): Bound {
    return this.#bound(payment) ?? this.#save(payment, { user: hint ?? null, usedAlone: hint === undefined });
  }

  #bound(payment: string): Bound | null {
    const [row] = this.#sql
      .exec<{ user: string | null; used_alone: number }>(
        "SELECT user, used_alone FROM binding WHERE payment = ?",
        payment,
      )
      .toArray();
    return row ? { user: row.user, usedAlone: row.used_alone === 1 } : null;
  }

  #save(payment: string, bound: Bound): Bound {
    this.#sql.exec(
      "INSERT INTO binding VALUES (?, ?, ?, ?) ON CONFLICT (payment) DO UPDATE SET user = excluded.user",
      payment,
      bound.user,
      Number(bound.usedAlone),
      Date.now(),
    );
    return bound;
  }
}
