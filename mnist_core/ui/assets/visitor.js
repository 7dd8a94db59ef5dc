// Keeps a visitor's secret in a cookie of this browser, so that name and runs are theirs again after a reload.
// The server proposes one; a browser that has one already (another tab was first) tells it instead.

const COOKIE = "mnist_lab_visitor";
const SECONDS = 400 * 24 * 3600; // the longest that browsers allow

function kept() {
  const found = document.cookie.split("; ").find((cookie) => cookie.startsWith(`${COOKIE}=`));
  const secret = found?.slice(COOKIE.length + 1);
  return /^[0-9a-f]{32}$/.test(secret ?? "") ? secret : null;
}

export default function ({ data, setStateValue }) {
  const secret = kept() ?? data.secret;
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `${COOKIE}=${secret}; Path=/; Max-Age=${SECONDS}; SameSite=Lax${secure}`;
  if (secret !== data.secret) setStateValue("secret", secret);
}
