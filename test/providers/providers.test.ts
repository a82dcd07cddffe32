import { describe, expect, it } from "vitest";
import { providerOf, providers } from "../../src/providers/index.ts";
import type { Acknowledgement } from "../../src/providers/provider.ts";

describe("the registry", () => {
  it("calls every provider by its own name", () => {
    for (const [name, provider] of Object.entries(providers)) {
      expect(provider.name).toBe(name);
      expect(providerOf(name)).toBe(provider);
    }
  });

  it.each(["", "Stripe", "toString", "__proto__"])("has no provider %j", (name) => {
    expect(providerOf(name)).toBeNull();
  });
});

describe("what Stripe hears", () => {
  it.each([
    ["accepted", 200, ""],
    ["duplicate", 200, ""],
    ["unparseable", 200, ""],
    ["bad-signature", 401, "bad signature\n"],
    ["unavailable", 503, "unavailable\n"],
  ] as [Acknowledgement, number, string][])("%s is %d", async (outcome, status, body) => {
    const response = providers.stripe.acknowledge(outcome);
    expect(response.status).toBe(status);
    expect(await response.text()).toBe(body);
    expect(response.headers.get("retry-after")).toBe(status === 503 ? "30" : null);
  });
});
