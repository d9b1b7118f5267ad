/** Waits until `isSo`, for what changes without an event; fails after `patienceMs`. */
export async function until(isSo: () => boolean | Promise<boolean>, what: string, patienceMs = 20_000): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(`never: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
