import sys
import study.paired as sp
from study.cover import *
sp.LOOKS = tuple(n for n in LOOKS if n >= 10)
zs = (1.96, 2.054, 2.17)
for mode in ("auto", "fixed5", "fixed10", "fixed30"):
  for C, S in ((1, 20000), (2, 10000), (3, 8000), (6, 6000), (20, 3000), (100, 1500), (300, 800)):
    rng = np.random.default_rng(C + 1000 * len(mode)); worst = {}
    if mode == "auto" and C >= 100: S //= 4
    for name, now, can in scenarios(rng, C, S):
        if mode == "auto":
            r = session(rng, now, can[:, None]); n = np.broadcast_to(r["nmin"][..., None], r["n"].shape)[:,0]; x, y = r["xp"][:,0], r["yp"][:,0]
        else:
            k = int(mode[5:]); x = rng.binomial(k, now); y = rng.binomial(k, can); n = np.full(x.shape, k)
        t = (can-now).mean(-1)
        for z in zs:
            _, lo, hi = wald_plus(x, y, n, z)
            worst.setdefault(z, []).append((((lo-1e-9<=t)&(t<=hi+1e-9)).mean(), name, (hi-lo).mean()))
    print(mode, f"C={C} S={S}", " | ".join(f"z={z}: min {min(worst[z])[0]:.4f} at {min(worst[z])[1]}, below .94: {sum(c<.94 for c,_,_ in worst[z])}/{len(worst[z])}, width {np.mean([w for *_,w in worst[z]]):.3f}" for z in zs), flush=True)
