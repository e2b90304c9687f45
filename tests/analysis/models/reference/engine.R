# Reference fits of lme4, lmerTest and pbkrtest for test_engine_reference.py.
#
# Run in this folder: Rscript engine.R
# Simulates a small unbalanced crossed data set (engine.csv) and writes what R says of it (engine.json).
# lme4 runs with a tight optimizer: its default stops up to 1e-3 (relative) away from the optimum.
suppressMessages({
  library(lme4)
  library(lmerTest)
  library(jsonlite)
})
options(contrasts = c("contr.treatment", "contr.poly"))
tight <- lmerControl(
  optimizer = "bobyqa", optCtrl = list(rhoend = 1e-10, maxfun = 1e6), calc.derivs = FALSE,
  check.nobs.vs.nRE = "ignore", check.nobs.vs.rankZ = "ignore", check.conv.singular = "ignore"
)

simulated <- function() {
  set.seed(20231)
  data <- expand.grid(subject = 1:12, session = 1:2, item = 1:6, repetition = 1:2)
  data <- data[runif(nrow(data)) < 0.8, ]
  n <- nrow(data)
  data$dose <- c("high", "low", "none")[sample(3, n, TRUE, c(0.2, 0.5, 0.3))]
  data$face <- c("angry", "happy")[1 + data$item %% 2]
  data$time <- round(runif(n, 2010, 2020), 2)
  data$z <- round(rnorm(n), 3)
  data$trials <- sample(1:9, n, TRUE)
  by_subject <- matrix(rnorm(36), 12) %*% diag(c(1, 0.4, 0.6))
  by_session <- matrix(0.5 * rnorm(24), 12)
  by_item <- 0.7 * rnorm(6)
  data$y <- 3 + 0.5 * (data$dose == "low") + 0.1 * (data$time - 2015) + by_subject[data$subject, 1] +
    by_subject[data$subject, 2] * data$z + by_subject[data$subject, 3] * (data$face == "happy") +
    by_session[cbind(data$subject, data$session)] + by_item[data$item] + rnorm(n)
  data$y <- round(data$y, 4)
  data$flat <- round(data$y - ave(data$y, data$subject), 6)
  data
}

r2 <- function(fit) {
  effects <- getME(fit, "mmList")
  variances <- VarCorr(fit)
  fixed <- var(as.vector(model.matrix(fit) %*% fixef(fit)))
  random <- sum(sapply(seq_along(effects), function(i) {
    columns <- as.matrix(effects[[i]])
    mean(rowSums((columns %*% matrix(variances[[i]], ncol(columns))) * columns))
  }))
  total <- fixed + random + sigma(fit)^2
  list(marginal = fixed / total, conditional = (fixed + random) / total, var_random = random)
}

described <- function(formula, data, REML, kenward_roger, weights) {
  data$w <- if (is.null(weights)) 1 else data[[weights]]
  fit <- suppressWarnings(suppressMessages(
    lmerTest::lmer(as.formula(formula), data, REML = REML, control = tight, weights = w)
  ))
  coefficients <- coef(summary(fit))
  anova <- as.data.frame(anova(fit))
  new <- data[seq(1, nrow(data), 7), ]
  result <- list(
    formula = formula, REML = REML, weights = weights,
    criterion = unname(if (REML) REMLcrit(fit) else -2 * as.numeric(logLik(fit))),
    singular = isSingular(fit), sigma = sigma(fit), theta = unname(getME(fit, "theta")),
    estimate = unname(coefficients[, "Estimate"]), se = unname(coefficients[, "Std. Error"]),
    df = unname(coefficients[, "df"]), terms = rownames(anova), num_df = anova$NumDF,
    den_df = anova$DenDF, F = anova$`F value`, r2 = r2(fit),
    predicted = unname(predict(fit, new, allow.new.levels = TRUE)),
    predicted_average = unname(predict(fit, new, re.form = NA))
  )
  if (kenward_roger) {
    coefficients <- coef(summary(fit, ddf = "Kenward-Roger"))
    anova <- as.data.frame(anova(fit, ddf = "Kenward-Roger"))
    result$kenward_roger <- list(
      se = unname(coefficients[, "Std. Error"]), df = unname(coefficients[, "df"]),
      den_df = anova$DenDF, F = anova$`F value`
    )
  }
  result
}

data <- simulated()
write.csv(data, "engine.csv", row.names = FALSE, quote = FALSE)
for (name in c("subject", "session", "item")) data[[name]] <- factor(data[[name]])
models <- list(
  crossed = list("y ~ dose*face + z + (1|subject) + (1|item)", TRUE, TRUE),
  crossed_ml = list("y ~ dose*face + z + (1|subject) + (1|item)", FALSE, FALSE),
  nested_in_crossed = list("y ~ dose*z + (1|subject/session) + (1|item)", TRUE, TRUE),
  correlated_slopes = list("y ~ face*z + (face + z|subject) + (1|item)", TRUE, TRUE),
  uncorrelated = list("y ~ dose + z + (z||subject) + (z||item)", TRUE, TRUE),
  uncorrelated_factor = list("y ~ face*z + (face||subject) + (1|item)", TRUE, TRUE),
  several_terms = list("y ~ z + (1|subject) + (0+face|subject:session) + (1|item)", TRUE, FALSE),
  uncentred_time = list("y ~ dose + time + (0+time|subject) + (1|item)", TRUE, FALSE),
  weighted = list("y ~ dose*z + (z|subject) + (1|item)", TRUE, FALSE, "trials"),
  weighted_ml = list("y ~ dose + (1|subject) + (1|item)", FALSE, FALSE, "trials"),
  offset = list("y ~ dose + z + offset(0.1*time) + (1|subject)", TRUE, TRUE),
  singular = list("flat ~ dose*face + (face|subject) + (1|item)", TRUE, TRUE),
  one_factor = list("y ~ dose + (1|subject) + (1|item)", TRUE, TRUE),
  without_intercept = list("y ~ 0 + dose + dose:z + (1|subject)", TRUE, TRUE),
  empty_cells = list("y ~ dose*face + z + (1|subject) + (1|item)", TRUE, TRUE)
)
results <- lapply(names(models), function(name) {
  model <- models[[name]]
  rows <- if (name == "empty_cells") data[!(data$dose == "none" & data$face == "happy"), ] else data
  described(model[[1]], rows, model[[2]], model[[3]], if (length(model) > 3) model[[4]])
})
names(results) <- names(models)
write_json(results, "engine.json", digits = NA, auto_unbox = TRUE, null = "null", pretty = TRUE)
