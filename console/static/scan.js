// The camera of the scan page: the browser reads the code if it can, else frames go to our own reader.
import { token } from "./live.js";

const box = document.querySelector(".camera");
const view = document.getElementById("view");
const says = document.getElementById("camera-says");
const button = document.getElementById("camera-on");
const input = document.getElementById("code");
const FRAME_WIDTH = 640;
const PAUSE = 350; // between looks, in milliseconds

async function nativeReader() {
  if (!("BarcodeDetector" in window)) return null;
  const formats = await window.BarcodeDetector.getSupportedFormats().catch(() => []);
  const wanted = ["qr_code", "code_128"].filter((format) => formats.includes(format));
  if (!wanted.length) return null;
  const detector = new window.BarcodeDetector({ formats: wanted });
  return async () => (await detector.detect(view))[0]?.rawValue ?? null;
}

function serverReader() {
  const canvas = document.createElement("canvas");
  return async () => {
    canvas.width = FRAME_WIDTH;
    canvas.height = Math.round((view.videoHeight / view.videoWidth) * FRAME_WIDTH);
    canvas.getContext("2d").drawImage(view, 0, 0, canvas.width, canvas.height);
    const frame = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.7));
    const answer = await fetch(box.dataset.frame, {
      method: "POST",
      body: frame,
      headers: { "Content-Type": "image/jpeg", Accept: "application/json", "X-CSRFToken": token() },
    });
    return answer.ok ? (await answer.json()).code : null;
  };
}

async function look(read, stream) {
  while (stream.active) {
    const code = view.videoWidth ? await read().catch(() => null) : null;
    if (code) {
      stream.getTracks().forEach((track) => track.stop());
      input.value = code;
      input.form.requestSubmit();
      return;
    }
    await new Promise((done) => setTimeout(done, PAUSE));
  }
}

button?.addEventListener("click", async () => {
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
  } catch {
    says.textContent = box.dataset.blocked;
    input.focus();
    return;
  }
  view.srcObject = stream;
  view.hidden = false;
  button.hidden = true;
  says.textContent = box.dataset.looking;
  await view.play();
  look((await nativeReader()) ?? serverReader(), stream);
});
