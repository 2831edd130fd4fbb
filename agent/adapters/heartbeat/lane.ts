/** What carries the packets of one link: datagrams, or a serial line. Nothing about it is ever waited for. */
export interface Lane {
  /** As hbtstate shows the two ends. */
  readonly ends: { local: string; remote: string }
  /** A lane that is not there (a card that is down, a line that is unplugged) is tried again and again. */
  open(): void
  /** Calls back when the system has taken all of it; a packet that cannot be sent now is lost, as one that the line loses. */
  send(packet: Buffer, sent: () => void): void
  close(): void
}

export interface LaneEvents {
  received(packet: Buffer): void
  /** Bytes that are no packet at all. */
  strange(): void
}
