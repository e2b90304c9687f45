# Makes inference.csv and inference.json: contrasts, joint tests and confidence intervals of R's
# lme4, lmerTest and emmeans, which test_contrasts.py, test_intervals.py and test_tidy.py compare with.
# Run in this folder: Rscript inference.R (Debian: apt install r-cran-lmertest r-cran-emmeans r-cran-jsonlite).
suppressPackageStartupMessages({library(lmerTest); library(emmeans); library(jsonlite)})
emm_options(lmer.df = "satterthwaite", pbkrtest.limit = 0)
options(contrasts = c("contr.sum", "contr.poly"))

set.seed(20230)
data <- expand.grid(subject = 1:24, face = 1:6, emotion = c("angry", "happy", "neutral"), time = -1:1)
data$drug <- c("amisulpride", "naltrexone", "placebo")[data$subject %% 3 + 1]
data <- data[runif(nrow(data)) < 0.4, ]
level <- rnorm(24, 0, 0.5); slope <- rnorm(24, 0, 0.25); face <- rnorm(6, 0, 0.3)
data$y <- with(data, 0.4 * (emotion == "happy") - 0.3 * (emotion == "angry") * time + 0.5 * (drug == "placebo") +
  0.2 * (drug == "naltrexone") * time + level[subject] + slope[subject] * time + face[face] + rnorm(nrow(data), 0, 0.6))
data$y <- round(data$y, 4)
data <- data[order(data$subject, data$face, data$emotion, data$time), c("subject", "face", "drug", "emotion", "time", "y")]
write.csv(data, "inference.csv", row.names = FALSE, quote = FALSE)
data <- transform(data, subject = factor(subject), face = factor(face), drug = factor(drug), emotion = factor(emotion))

tight <- lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-10, maxfun = 1e5))
fit <- lmer(y ~ emotion * drug * time + (time | subject) + (1 | face), data, control = tight)

tests <- function(object, adjust) {
  both <- as.data.frame(summary(object, infer = c(TRUE, TRUE), adjust = adjust))
  names(both)[names(both) %in% c("p.value", "t.ratio", "lower.CL", "upper.CL")] <- c("lower", "upper", "t", "p")
  both
}
means <- emmeans(fit, ~ drug | emotion)
slopes <- emtrends(fit, ~ drug | emotion, var = "time")
out <- list(criterion = REMLcrit(fit))
for (adjust in c("none", "holm", "bonferroni", "BH", "sidak", "tukey", "mvt")) {
  out$means[[adjust]] <- tests(pairs(means), adjust)
  out$slopes[[adjust]] <- tests(pairs(slopes), adjust)
}
out$control <- list(dunnettx = tests(contrast(means, "trt.vs.ctrl", ref = 3), "dunnettx"),
                    mvt = tests(contrast(means, "trt.vs.ctrl", ref = 3), "mvt"))
out$interaction <- tests(contrast(emtrends(fit, ~ emotion * drug, var = "time"), interaction = "pairwise"), "none")
out$consecutive <- tests(contrast(means, "consec"), "none")
out$effects <- tests(contrast(means, "eff"), "none")
out$polynomial <- tests(contrast(emmeans(fit, ~ drug), "poly"), "none")
out$cells <- tests(pairs(emmeans(fit, ~ emotion * drug)), "tukey")
out$means_intervals <- as.data.frame(confint(means, level = 0.9))
out$joint <- as.data.frame(joint_tests(fit, by = "emotion"))
grid <- function(object) object@linfct
contest <- function(object, by) lapply(split(seq_len(nrow(object@grid)), object@grid[[by]]), function(rows)
  as.list(contestMD(fit, grid(object)[rows, , drop = FALSE])))
out$joint_drug <- contest(contrast(means, "consec"), "emotion")
out$joint_slopes <- contest(contrast(slopes, "consec"), "emotion")

profile_of <- function(formula, data, REML = TRUE, ...) {
  fit <- lmer(formula, data, REML = REML, control = tight)
  list(formula = paste(deparse(formula), collapse = ""),
       intervals = as.data.frame(suppressWarnings(confint(fit, method = "profile", oldNames = FALSE, quiet = TRUE, ...))))
}
named <- function(x) { x$intervals <- cbind(parameter = rownames(x$intervals), setNames(x$intervals, c("lower", "upper"))); x }
data("sleepstudy", "Penicillin", "Dyestuff2", "Dyestuff", package = "lme4")
out$profile <- lapply(list(
  simulated = profile_of(y ~ time + (time | subject) + (1 | face), data),
  sleepstudy = profile_of(Reaction ~ Days + (Days | Subject), sleepstudy),
  sleepstudy_uncorrelated = profile_of(Reaction ~ Days + (Days || Subject), sleepstudy),
  sleepstudy_90 = profile_of(Reaction ~ Days + (Days | Subject), sleepstudy, level = 0.9),
  penicillin = profile_of(diameter ~ 1 + (1 | plate) + (1 | sample), Penicillin),
  dyestuff2 = profile_of(Yield ~ 1 + (1 | Batch), Dyestuff2)), named)
several <- lmer(y ~ time + (time | subject) + (1 | face) + (1 | emotion:drug), data, control = tight)
out$random_values <- as.data.frame(ranef(several, condVar = TRUE))
out$versions <- list(R = R.version.string, lme4 = as.character(packageVersion("lme4")),
                     lmerTest = as.character(packageVersion("lmerTest")), emmeans = as.character(packageVersion("emmeans")))
write_json(out, "inference.json", digits = 12, auto_unbox = TRUE, na = "null", pretty = FALSE)
