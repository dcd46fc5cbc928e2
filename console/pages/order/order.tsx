export function OrderPage() {
  return <p>soon</p>;
}
