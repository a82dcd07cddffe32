import type { WorkerProcess } from "../e2e/process.ts";
import { merchantOf, newMerchant, post, setFaults, type Delivery, type Merchant } from "../e2e/client.ts";
import { startStop } from "../e2e/stop.ts";
import type { Faults } from "../support/fault-kinds.ts";
import type { HostileReceiver } from "./receiver.ts";
import { ENDPOINTS, scheduleOf, type Posting, type Step } from "./schedule.ts";
import { wrongsOf, type Logged } from "./verdict.ts";

/** Retries come quickly and do not run out before the faults are over. */
const RETRY_SCHEDULE = Array.from({ length: 20 }, () => 1);
const TIMEOUT_SECONDS = 5;
const OVERLAP_SECONDS = 60;
/** A copy of the configuration may be that old: a careful merchant goes over to a new secret after it. */
const COPY_MS = 6_000;
const OLD_ENDS_MS = 45_000;
/** Everything is finished this long after the last fault. */
const WITHIN_MS = 120_000;
/** Faults that could hit the merchant's own calls, which the run needs an answer to. */
const CALM = { d1Fails: 0, d1AnswersLost: 0, gateFails: 0, bindingFails: 0, objectAnswersLost: 0 };
/** Faults that put messages on the backup queue, which is in memory locally, and so not to be killed. */
const NO_BACKUP = { ...CALM, backupFails: 0, backupDoubled: 0, acceptFails: 0, settleFails: 0 };

/** A Worker that can be killed and started again on its state. */
export interface Restartable {
  worker: WorkerProcess;
  restart(): Promise<void>;
}

/** What a run came to: what must not have happened, and how often each fault happened. */
export interface Verdict {
  wrongs: string[];
  fired: Map<string, number>;
  events: number;
}

/** Lets the schedule of a seed happen to a merchant of its own, heals everything, and looks at what came of it. */
export async function runSeed(seed: number, target: Restartable, receiver: HostileReceiver): Promise<Verdict> {
  const run = new Run(seed, target, receiver);
  await run.begin();
  for (const step of scheduleOf(seed)) {
    await run.take(step);
  }
  return run.end();
}

class Run {
  readonly #seed: number;
  readonly #target: Restartable;
  readonly #receiver: HostileReceiver;
  #merchant!: Merchant;
  #ids: string[] = [];
  #faults: Partial<Faults> = {};
  /** Ids of the accepted events by name. */
  readonly #accepted = new Map<string, string>();
  readonly #posted: Posting[] = [];
  readonly #wrongs: string[] = [];
  readonly #fired = new Map<string, number>();
  readonly #timers: NodeJS.Timeout[] = [];
  #kills = 0;

  constructor(seed: number, target: Restartable, receiver: HostileReceiver) {
    this.#seed = seed;
    this.#target = target;
    this.#receiver = receiver;
  }

  async begin(): Promise<void> {
    const { url } = this.#target.worker;
    await setFaults(url, {});
    await this.#collect();
    this.#fired.clear();
    this.#receiver.seen.length = 0;
    this.#receiver.wrongs.length = 0;
    this.#receiver.fired.clear();
    this.#merchant = await newMerchant(url);
    for (const [n, settings] of ENDPOINTS.entries()) {
      const { id, secret } = await this.#merchant.endpoint({
        url: this.#urlOf(n),
        retrySchedule: RETRY_SCHEDULE,
        timeoutSeconds: TIMEOUT_SECONDS,
        includeStale: true,
        ...settings,
      });
      this.#ids.push(id);
      this.#receiver.endpoints.set(this.#nameOf(n), { how: "good", secret });
    }
  }

  async take(step: Step): Promise<void> {
    switch (step.do) {
      case "post":
        this.#posted.push(...step.events);
        return this.#post(step.events);
      case "post-again": {
        const again = this.#posted.filter((_, n) => n % Math.round(1 / step.share) === 0);
        this.#count("post-again", again.length);
        await Promise.all([this.#post(again), this.#post(again)]);
        return;
      }
      case "faults":
        return this.#setFaults(step.faults);
      case "answer":
        this.#at(step.endpoint).how = step.how;
        return;
      case "rotate":
        return this.#rotate(step.endpoint, step.adopts);
      case "pause":
      case "resume":
        this.#count(step.do);
        return this.#call("POST", `/v1/endpoints/${this.#ids[step.endpoint]}/${step.do}`, undefined, [200, 409]);
      case "break-tls":
      case "mend-tls": {
        const url = this.#urlOf(step.endpoint);
        const broken = step.do === "break-tls" ? url.replace("http:", "https:") : url;
        return this.#call("PATCH", `/v1/endpoints/${this.#ids[step.endpoint]}`, { url: broken }, [200]);
      }
      case "kill":
        return this.#kill(step.at);
      case "wait":
        return new Promise((resolve) => setTimeout(resolve, step.ms));
    }
  }

  /** Heals everything, waits until all is finished, and says what is wrong. */
  async end(): Promise<Verdict> {
    await this.#setFaults({});
    for (const n of ENDPOINTS.keys()) {
      this.#at(n).how = "good";
      await this.#call("PATCH", `/v1/endpoints/${this.#ids[n]}`, { url: this.#urlOf(n) }, [200]);
    }
    this.#receiver.hangUp();
    await this.#askForIds();
    const logged = await this.#untilFinished();
    await this.#collect();
    this.#timers.forEach((timer) => clearTimeout(timer));
    for (const [what, times] of this.#receiver.fired) {
      this.#count(what, times);
    }
    const { json: metrics } = await this.#merchant.call<{ finished: number; delivered: number }>("GET", "/v1/metrics");
    const doubled = (this.#fired.get("doubled") ?? 0) > 0;
    const wrongs = wrongsOf({
      accepted: new Set(this.#accepted.values()),
      endpoints: ENDPOINTS.map(({ ordering, ...rest }, n) => ({
        id: this.#ids[n]!,
        name: this.#nameOf(n),
        ordering,
        rateLimit: "rateLimit" in rest ? rest.rateLimit : null,
      })),
      logged,
      metrics,
      seen: this.#receiver.seen,
      isExact: this.#kills === 0 && !doubled,
    });
    return {
      wrongs: [...this.#wrongs, ...this.#receiver.wrongs, ...wrongs].map((wrong) => `seed ${this.#seed}: ${wrong}`),
      fired: this.#fired,
      events: this.#accepted.size,
    };
  }

  async #post(events: Posting[]): Promise<void> {
    const byUser = Map.groupBy(events, ({ user }) => user);
    await Promise.all(
      [...byUser.values()].map(async (mine) => {
        for (const one of mine) {
          await this.#postOne(one);
        }
      }),
    );
  }

  /** `isFirst`: it need not be known yet. */
  async #postOne({ name, user, payment }: Posting, isFirst = true): Promise<void> {
    const { id, status, sequence, ...rest } = await post(() => this.#merchant, {
      id: name,
      type: "payment.succeeded",
      user: `s${this.#seed}_u${user}`,
      data: { payment: { id: `s${this.#seed}_p${user}_${payment}`, amount: { value: "1999", currency: "EUR" } } },
    });
    const known = this.#accepted.get(name);
    if (id === undefined) {
      this.#wrongs.push(`${name} was refused: ${JSON.stringify({ status, ...rest })}`);
    } else if (!isFirst && status !== "duplicate") {
      this.#wrongs.push(`${name} was acknowledged and forgotten: posted again it is ${status} as ${id}`);
    } else if (known !== undefined && sequence !== null && known !== id) {
      this.#wrongs.push(`${name} was accepted twice, as ${known} and ${id}`);
    }
    // One that was spilled has another id in the end where it turns out to be known.
    if (sequence !== null) {
      this.#accepted.set(name, known ?? id);
    }
  }

  /** Learns the final id of every event: all are posted once more, and must be known. */
  async #askForIds(): Promise<void> {
    if (!(await this.#isBackupEmpty())) {
      this.#wrongs.push("The backup queue does not become empty");
    }
    await Promise.all(this.#posted.map((one) => this.#postOne(one, false)));
  }

  async #rotate(n: number, adopts: boolean): Promise<void> {
    const endpoint = this.#at(n);
    const path = `/v1/endpoints/${this.#ids[n]}/secret/rotate`;
    const { secret } = await this.#call<{ secret: string }>("POST", path, { overlapSeconds: OVERLAP_SECONDS }, [200]);
    const adopt = () => (endpoint.secret = secret);
    this.#timers.push(setTimeout(adopt, adopts ? COPY_MS : OLD_ENDS_MS));
    this.#count("rotate");
  }

  async #kill(at: "once" | NonNullable<Faults["stop"]>): Promise<void> {
    const faults = this.#faults;
    await this.#setFaults({ ...faults, ...NO_BACKUP });
    if (!(await this.#isBackupEmpty())) {
      return this.#setFaults(faults);
    }
    const late: Promise<void>[] = [];
    if (at !== "once") {
      const stop = await startStop();
      await this.#setFaults({ ...this.#faults, stop: at, reached: stop.url });
      const last = { user: 0, name: `s${this.#seed}-last${this.#kills}`, payment: 0 };
      this.#posted.push(last);
      late.push(this.#postOne(last));
      await Promise.race([stop.reached, new Promise((resolve) => setTimeout(resolve, 3_000))]);
      stop.close();
    }
    await this.#collect();
    await this.#target.worker.kill();
    this.#kills += 1;
    this.#count("kill");
    await this.#target.restart();
    this.#merchant = merchantOf(this.#target.worker.url, this.#merchant.apiKey);
    await this.#setFaults(faults);
    await Promise.all(late);
  }

  /** Whether what waits in the backup queue has found its way, within a while. */
  async #isBackupEmpty(): Promise<boolean> {
    for (const end = Date.now() + 15_000; Date.now() < end;) {
      if ((await this.#collect()) === 0) return true;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    return false;
  }

  /** Waits until every event is finished at every endpoint; the merchant lets go what it or its endpoints had stopped. */
  async #untilFinished(): Promise<Map<string, Logged>> {
    const logged = new Map<string, Logged>();
    for (const end = Date.now() + WITHIN_MS; Date.now() < end && logged.size < this.#accepted.size;) {
      for (const id of this.#ids) {
        const { json } = await this.#merchant.call<EndpointView>("GET", `/v1/endpoints/${id}`);
        if (json.status !== "enabled" || json.health.breaker !== "closed") {
          this.#count(json.status === "disabled" ? "disabled" : "opened");
          await this.#call("POST", `/v1/endpoints/${id}/enable`, undefined, [200]);
        }
      }
      for (const id of this.#accepted.values()) {
        if (!logged.has(id)) {
          const { json } = await this.#merchant.call<Logged>("GET", `/v1/events/${id}`);
          if (json.sequence && json.deliveries.length === ENDPOINTS.length && json.deliveries.every(isFinished)) {
            logged.set(id, json);
          }
        }
      }
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
    for (const [name, id] of this.#accepted) {
      if (!logged.has(id)) {
        const { json } = await this.#merchant.call<Logged>("GET", `/v1/events/${id}`);
        this.#wrongs.push(`${name} is not finished everywhere: ${JSON.stringify(json.deliveries ?? json)}`);
      }
    }
    return logged;
  }

  async #setFaults(faults: Partial<Faults>): Promise<void> {
    this.#faults = faults;
    await setFaults(this.#target.worker.url, faults);
  }

  /** A call of the merchant's, while nothing that it needs fails. */
  async #call<T>(method: string, path: string, body: unknown, expected: number[]): Promise<T> {
    const { url } = this.#target.worker;
    await setFaults(url, { ...this.#faults, ...CALM });
    const { status, json } = await this.#merchant.call<T>(method, path, body);
    await setFaults(url, this.#faults);
    if (!expected.includes(status)) {
      this.#wrongs.push(`${method} ${path}: ${status} ${JSON.stringify(json)}`);
    }
    return json;
  }

  /** Takes in what the Worker noted since the last time; how many messages are on the backup queue. */
  async #collect(): Promise<number> {
    const response = await fetch(`${this.#target.worker.url}/__test/faults`);
    const { fired, broken, inBackup } = (await response.json()) as Noted;
    Object.entries(fired).forEach(([what, times]) => this.#count(what, times));
    this.#wrongs.push(...broken);
    return inBackup;
  }

  #count(what: string, times = 1): void {
    this.#fired.set(what, (this.#fired.get(what) ?? 0) + times);
  }

  #nameOf(n: number): string {
    return `s${this.#seed}-${n}`;
  }

  #urlOf(n: number): string {
    return `${this.#receiver.url}/${this.#nameOf(n)}`;
  }

  #at(n: number) {
    return this.#receiver.endpoints.get(this.#nameOf(n))!;
  }
}

interface Noted {
  fired: Record<string, number>;
  broken: string[];
  inBackup: number;
}

interface EndpointView {
  status: string;
  health: { breaker: string };
}

function isFinished({ status }: Delivery): boolean {
  return status !== "pending" && status !== "retrying";
}
