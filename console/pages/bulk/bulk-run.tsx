export function BulkRunPage() {
  return <p>soon</p>;
}
