export function HoldPage() {
  return <p>soon</p>;
}
