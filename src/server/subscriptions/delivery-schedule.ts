/** A delivery that is due. */
export interface Delivery {
  deliver(): void;
}

/** Schedules a delivery. Deliveries are made in this order, in later turns of the event loop. */
export type ScheduleDelivery = (delivery: Delivery) => void;

/** Creates a schedule that makes `batchSize` deliveries in each turn of the event loop, so that thousands do not block it. */
export function createDeliverySchedule(batchSize: number): ScheduleDelivery {
  const due: Delivery[] = [];

  function deliverBatch() {
    const end = Math.min(due.length, batchSize);
    let made = 0;
    try {
      while (made < end) due[made++]?.deliver();
    } finally {
      // Also after an error, which is one delivery's own.
      due.splice(0, made); // Each batch: while subscribers are busy, `due` is never empty.
      if (due.length > 0) setImmediate(deliverBatch);
    }
  }

  return (delivery) => {
    if (due.length === 0) setImmediate(deliverBatch);
    due.push(delivery);
  };
}
