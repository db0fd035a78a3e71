// Turns each strip of pictures into a player. Without this script the strip alone shows everything.
for (const section of document.querySelectorAll(".pictures")) {
  const shots = [...section.querySelectorAll(".strip figure")];
  const player = section.querySelector(".player");
  const [image, button, slider, caption] = ["img", "button", "input", "output"].map((s) => player.querySelector(s));
  let timer = null;
  const show = (index) => {
    const shot = shots[index].querySelector("img");
    slider.value = index;
    image.src = shot.src;
    image.alt = shot.alt;
    caption.textContent = shot.alt;
    shots.forEach((figure, i) => figure.classList.toggle("now", i === index));
  };
  const stop = () => {
    clearInterval(timer);
    timer = null;
    button.textContent = "Play";
  };
  slider.max = shots.length - 1;
  slider.addEventListener("input", () => { stop(); show(Number(slider.value)); });
  button.addEventListener("click", () => {
    if (timer !== null) return stop();
    let index = Number(slider.value) === shots.length - 1 ? 0 : Number(slider.value);
    show(index);
    button.textContent = "Pause";
    timer = setInterval(() => {
      index += 1;
      show(index);
      if (index === shots.length - 1) stop();
    }, 350);
  });
  shots.forEach((shot, index) => {
    shot.addEventListener("click", () => { stop(); show(index); });
  });
  if (shots.length === 1) section.querySelector(".controls").hidden = true;
  section.classList.add("live");
  show(shots.length - 1);
  player.hidden = false;
}
