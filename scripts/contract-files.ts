import { ASYNCAPI_FILE, asyncApiDocument } from './asyncapi';
import { MESSAGE_CONTRACTS, bodySchemaOf, schemaFileOf } from './message-contracts';

/** What is in `contracts/`, made of the code: each file's text by its name. */
export function contractFiles(): ReadonlyMap<string, string> {
  return new Map(
    [
      ...MESSAGE_CONTRACTS.flatMap((message): [string, object][] => [
        [schemaFileOf(message.type), bodySchemaOf(message)],
        [exampleFileOf(message.type), message.example],
      ]),
      [ASYNCAPI_FILE, asyncApiDocument()] as [string, object],
    ].map(([name, content]) => [name, `${JSON.stringify(content, undefined, 2)}\n`]),
  );
}

function exampleFileOf(type: string): string {
  return `${type}.example.json`;
}
