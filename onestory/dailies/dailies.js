"use strict";
(() => {
  const shots = [...document.querySelectorAll(".shot")];
  const film = document.querySelector("#film");
  const body = document.body;

  // j and k walk through the shots, f goes to the film, g to the top.
  const current = () => {
    const line = innerHeight * 0.35;
    let found = -1;
    shots.forEach((shot, index) => {
      if (shot.getBoundingClientRect().top <= line) found = index;
    });
    return found;
  };
  const go = (index) => {
    const shot = shots[Math.max(0, Math.min(shots.length - 1, index))];
    if (!shot) return;
    shot.scrollIntoView({ block: "start" });
    shot.focus({ preventScroll: true });
    history.replaceState(null, "", "#" + shot.id);
  };
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("video, input, textarea")) return;
    if (event.key === "j") go(current() + 1);
    else if (event.key === "k") go(current() - 1);
    else if (event.key === "g") scrollTo(0, 0);
    else if (event.key === "f" && film) film.scrollIntoView({ block: "center" });
    else return;
    event.preventDefault();
  });

  // The pointer runs over a take's poster like over a film strip.
  document.querySelectorAll(".scrub").forEach((scrub) => {
    const frames = [...scrub.querySelectorAll(".frame")];
    if (!frames.length) return;
    const show = (chosen) => frames.forEach((f, i) => f.classList.toggle("on", i === chosen));
    scrub.addEventListener("pointermove", (event) => {
      const box = scrub.getBoundingClientRect();
      const at = (event.clientX - box.left) / box.width;
      show(Math.max(0, Math.min(frames.length - 1, Math.floor(at * frames.length))));
    });
    scrub.addEventListener("pointerleave", () => show(-1));
  });

  // Hovering over a shot in the memory picture leaves only its own arcs bright.
  const lineage = document.querySelector(".lineage svg");
  if (lineage) {
    const arcs = [...lineage.querySelectorAll(".arc")];
    lineage.querySelectorAll(".node").forEach((node) => {
      const light = (isOn) => {
        lineage.classList.toggle("focus", isOn);
        arcs.forEach((arc) => {
          const own = [arc.dataset.earlier, arc.dataset.later].includes(node.dataset.shot);
          arc.classList.toggle("lit", isOn && own);
        });
      };
      node.addEventListener("pointerenter", () => light(true));
      node.addEventListener("pointerleave", () => light(false));
      node.addEventListener("focus", () => light(true));
      node.addEventListener("blur", () => light(false));
    });
  }

  if (!film) return;
  film.addEventListener("loadedmetadata", () => { body.dataset.film = "ready"; });
  film.addEventListener("error", () => { body.dataset.film = "missing"; });
  if (film.error) body.dataset.film = "missing";
  else if (film.readyState >= 1) body.dataset.film = "ready";

  document.querySelectorAll("[data-seek]").forEach((button) => {
    button.addEventListener("click", (event) => {
      event.preventDefault();
      film.currentTime = Number(button.dataset.seek);
      film.scrollIntoView({ block: "center" });
      film.play().catch(() => {});
    });
  });
  const head = document.querySelector(".playhead");
  const cells = [...document.querySelectorAll(".cell")];
  film.addEventListener("timeupdate", () => {
    if (!head || !film.duration) return;
    const x = (1000 * film.currentTime) / film.duration;
    head.setAttribute("x1", x);
    head.setAttribute("x2", x);
    cells.forEach((cell) => {
      const left = Number(cell.getAttribute("x"));
      cell.classList.toggle("now", x >= left && x < left + Number(cell.getAttribute("width")));
    });
  });
})();
