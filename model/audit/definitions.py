"""What the figures of `model.score` are, in the file that holds them: formulas and the conventions chosen."""

from __future__ import annotations

DEFINITIONS = {
    "rows": "one per person and horizon; T: time from the prediction to the end of follow-up, t: horizon, p: predicted "
    "probability, y = 1 if the event ended follow-up at T <= t; a competing event at T <= t is y = 0",
    "weights": "w = 1/G(T-) if any event at T <= t, 1/G(t) if T > t, 0 if censored at T <= t; G: Kaplan-Meier of "
    "staying uncensored, on the same rows; events precede censorings at equal times; then sum w = n",
    "interval": "low, high: 2.5th and 97.5th percentile over draws of persons with replacement; G and everything else "
    "is worked out anew in each; intercept, slope and smooth curve move by one Newton step",
    "too_few": "figures are null with fewer than min_events events by t, or fewer than min_followed persons with T > t",
    "n": "rows; events, competing, censored: how T <= t ended; followed: T > t",
    "observed": "Aalen-Johansen estimate at t (without competing events 1 - Kaplan-Meier)",
    "expected": "mean p",
    "oe": "observed / expected; above 1: more events than predicted",
    "brier": "sum w (y - p)^2 / n (Graf 1999)",
    "brier_null": "the same with p = observed for everyone",
    "ipa": "1 - brier / brier_null (Kattan and Gerds 2018)",
    "auc": "cumulative/dynamic, pairs weighted by the product of their w, equal p count half; controls: all with "
    "y = 0, also after a competing event (Blanche 2013, definition (ii))",
    "auc_event_free": "the same, controls: T > t only (Blanche 2013, definition (i))",
    "concordance": "pairs of a case at T <= t with everybody followed beyond T, weight 1/(G(T-) G(T)), or out by a "
    "competing event at S <= T, weight 1/(G(T-) G(S-)): share in which the case has the higher p, equal p count half "
    "(Wolbers 2014; without competing events Uno 2011, cut at t)",
    "intercept": "a in logit P(y = 1) = a + logit p, logistic regression with weights w; right: 0",
    "slope": "b in logit P(y = 1) = a + b logit p, a free, weights w; right: 1; below 1: predictions too extreme",
    "ici": "mean |c - p|; c: risk at t by a Fine-Gray (without competing events Cox) model of the whole follow-up on a "
    "restricted cubic spline of log(-log(1 - p)), knots at its 10th, 50th and 90th percentile (Austin 2020, 2022)",
    "e50": "median of |c - p|",
    "e90": "90th percentile of |c - p|",
    "net_benefit": "by threshold h: share(p >= h) (r - (1 - r) h / (1 - h)), r the Aalen-Johansen estimate at t among "
    "those with p >= h (Vickers 2008); null if the last of these was censored before t",
    "treat_all": "observed - (1 - observed) h / (1 - h)",
    "treat_none": "0",
    "null": "intercept, slope, ici, e50, e90: some p is 0 or 1, or they hardly differ",
}
