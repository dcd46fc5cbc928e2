export function BulkRuns() {
  return <p>soon</p>;
}
