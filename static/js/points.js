/**
 * How far a client has come on each stream, and how far that is proven (pure).
 *
 * A point is `{ seq, event_id }`. An event id belongs to the position it was seen at and to no other: the server
 * compares it with the event that stands there, so that a restored backup is noticed. A heartbeat says that nothing
 * matched up to a later position, but not which event stands there. Going on from the older position with its id is
 * safe, since what follows it is sent again; so the id is given up only where the server might not replay that far.
 */
export class Points {
  /** What the board shows. */
  applied = new Map();
  /** What a heartbeat or a snapshot has confirmed of it. */
  proven = new Map();

  /** Go on to the fact; false if it was applied before. */
  fact({ stream, seq, event_id }) {
    const known = this.applied.get(stream);
    if (known && seq <= known.seq) return false;
    this.applied.set(stream, { seq, event_id });
    return true;
  }

  /** Stand where the snapshot was taken; what lies before it needs no proof any more. */
  snapshot(positions) {
    for (const [stream, seq] of Object.entries(positions)) {
      const known = this.applied.get(stream);
      if (!known || known.seq < seq) this.applied.set(stream, { seq, event_id: null });
      this.proven.set(stream, this.applied.get(stream));
    }
  }

  /** Take what was applied for proven; go on over more than `far` positions that held nothing for us. */
  heartbeat(positions, far) {
    for (const [stream, seq] of Object.entries(positions)) {
      const known = this.applied.get(stream);
      if (known && known.seq < seq && (known.event_id === null || seq - known.seq > far)) {
        this.applied.set(stream, { seq, event_id: null });
      }
    }
    this.proven = new Map(this.applied);
  }

  /** Go back to what is proven; returns those positions. */
  rewind() {
    this.applied = new Map(this.proven);
    return Object.fromEntries([...this.applied].map(([stream, { seq }]) => [stream, seq]));
  }

  forget(stream) {
    this.applied.delete(stream);
    this.proven.delete(stream);
  }

  /** Forget all other streams: they are not there any more, or not for us. */
  keepOnly(positions) {
    for (const stream of [...this.applied.keys()]) if (!(stream in positions)) this.forget(stream);
  }

  forgetAll() {
    this.applied.clear();
    this.proven.clear();
  }

  /** The positions as `resume` sends them. */
  public() {
    return Object.fromEntries([...this.applied].sort(([one], [other]) => (one < other ? -1 : 1)));
  }
}
