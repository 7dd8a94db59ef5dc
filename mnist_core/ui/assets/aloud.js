// A live region: screen readers read aloud what changes in it. So it stays, and only its text is another one.

export default function ({ data, parentElement }) {
  const place = parentElement.querySelector("[role=status]");
  if (place.textContent !== data.words) place.textContent = data.words;
}
