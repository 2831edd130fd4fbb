/**
 * Where a program says what it does may take nothing: its log's disk is full, or its reader has gone. Node would end the program for that, and with it
 * what depends on it. The line is lost; the next one is tried.
 */
export function outliveLog(): void {
  process.stderr.on('error', () => undefined)
}
