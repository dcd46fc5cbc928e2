/**
 * The fields that are there, without those that are `undefined`: an optional field of ours is absent
 * or set, since to a library `undefined` can mean something else than absence. (A condition of Prisma's
 * that is `undefined` is none, and fits all rows.)
 */
export function defined<Fields extends object>(fields: Fields): Defined<Fields> {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined),
  ) as Defined<Fields>;
}

type Defined<Fields> = {
  [Field in keyof Fields as undefined extends Fields[Field] ? never : Field]: Fields[Field];
} & {
  [Field in keyof Fields as undefined extends Fields[Field] ? Field : never]?: Exclude<
    Fields[Field],
    undefined
  >;
};
