import type { LoggedContext } from '../../request/context.ts';
import { Cancellation } from '../../store/cache/cancellation.ts';
import type { CallPayment } from '../../store/cache/read-context.ts';
import { ShortLivedMap } from '../../store/cache/short-lived-map.ts';
import type { TraceContext } from '../../telemetry/trace-context.ts';
import type { CallClaims, Caller, Claimant } from '../../upstream/resilience/call-claims.ts';

/**
 * One operation in execution, and the clients that wait for it. Its upstream calls take the turns of all of them. It is aborted
 * when the last client has left.
 */
export class Execution<Outcome> implements Claimant {
  readonly priority = 'query';
  readonly cancellation = new Cancellation();
  /** Points that each client pays. */
  cost = 0;
  /** The facts about the operation, for the clients that join. */
  context: LoggedContext | undefined;
  trace: TraceContext | null = null;
  /** Undefined until the execution starts. */
  outcome: Promise<Outcome> | undefined;
  /** Whether a read was refused because its payer has too few points: the outcome is that of the payer alone. */
  isRefused = false;
  readonly #waiting = new Set<Caller>();
  readonly #claims: CallClaims[] = [];

  get callers(): Iterable<Caller> {
    return this.#waiting;
  }

  onClaim(claims: CallClaims): void {
    this.#claims.push(claims);
  }

  /** Adds a client, until it disconnects. Returns a function that removes it earlier. `caller` is an object of its own. */
  join(caller: Caller, client: Cancellation): () => void {
    this.#waiting.add(caller);
    for (const claims of this.#claims) claims.add({ priority: this.priority, callers: [caller] });
    const leave = (reason: unknown) => {
      if (this.#waiting.delete(caller) && this.#waiting.size === 0) this.cancellation.abort(reason);
    };
    client.addCallback(leave);
    if (client.isAborted) leave(client.reason);
    return () => leave(new Error('No client waits for the response.'));
  }

  /** Records a refusal of the payment. */
  watch(payment: CallPayment): CallPayment {
    const onRefused = () => {
      this.isRefused = true;
    };
    return {
      payForRead() {
        const paid = payment.payForRead();
        paid?.catch(onRefused);
        return paid;
      },
      chargeCall: () => payment.chargeCall(),
    };
  }
}

/** The executions in progress that equal requests can join, by the key of the response cache. */
export class SharedExecutions<Outcome> {
  readonly #byKey = new ShortLivedMap<Execution<Outcome>>();

  /** Returns the execution of an equal request, unless all its clients have left or a read was refused. */
  find(key: string): Execution<Outcome> | undefined {
    const execution = this.#byKey.get(key);
    return execution && !execution.cancellation.isAborted && !execution.isRefused ? execution : undefined;
  }

  /** Lets equal requests join until the outcome is known. */
  add(key: string, execution: Execution<Outcome>, outcome: Promise<Outcome>): void {
    execution.outcome = outcome;
    this.#byKey.set(key, execution);
    // Race: a newer execution can have replaced one that was aborted or refused.
    const remove = () => void (this.#byKey.get(key) === execution && this.#byKey.delete(key));
    outcome.then(remove, remove);
  }
}
