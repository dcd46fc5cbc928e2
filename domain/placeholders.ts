/** What stands for a person's own words in the commands and the JSON that we print. */
export const PLACEHOLDERS = { actor: 'YOUR NAME', note: 'WHY', courierId: 'COURIER' } as const;
