/** Ends at once. */
export async function doNothing(): Promise<void> {}
