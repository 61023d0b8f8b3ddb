(** * Euler's method on a gradient flow

    Statement.   ‖e + hΔf‖² ≤ ‖e‖² − (2h/β − h²)‖Δf‖² for a cocoercive field, so that a step expands no distance for
                 h ≤ 2/β, and by at most max(1, hβ − 1) beyond. In general a step grows by at most
                 max(|1 − hK|, |1 + hμ|) where the secants of −f lie between −μ and K. Both numbers are attained, and
                 for h > 2/β the gradient flow of β‖y‖²/2 expands.
    Assumptions. any inner product space; h > 0; β > 0 in the first; secants of −f between m = −μ and K, m ≤ K, as
                 gradient_flow.v shows for f(y) = −Wᵀσ(Wy + b) − ρy with m = ρ, K = ‖W‖² + ρ
    Source.      theory, section 3; Meunier et al., ICML 2022
    Verdict.     proved for every h
    Theorems.    cocoercive_step_squared, gradient_flow_never_expands, secants_step, gradient_flow_growth_over_steps,
                 dissipative_gradient_flow_growth, gradient_flow_growth_without_dissipation,
                 gradient_flow_growth_is_attained, larger_steps_expand *)

From Coq Require Import Reals Lra Psatz QArith Qreals Qabs Qminmax.
From NatrobProofs Require Import normed_space inner_product_space one_step_methods theorem_3_1 one_sided gradient_flow.
Open Scope R_scope.
Open Scope vector_scope.

(** ** The growth factor *)

Definition gradient_flow_growth (h mu K : R) : R := Rmax (Rabs (1 - h * K)) (Rabs (1 + h * mu)).

Definition gradient_flow_growth_Q (h mu K : Q) : Q := Qmax (Qabs (1 - h * K)) (Qabs (1 + h * mu)).

Lemma absolute_value_rational : forall x : Q, Q2R (Qabs x) = Rabs (Q2R x).
Proof.
  intro x. apply Qabs_case; intro sign; apply Qle_Rle in sign.
  - replace (Q2R 0) with 0 in sign by (unfold Q2R; simpl; field). rewrite Rabs_right by lra. reflexivity.
  - replace (Q2R 0) with 0 in sign by (unfold Q2R; simpl; field). rewrite Q2R_opp, Rabs_left1 by lra. reflexivity.
Qed.

Lemma maximum_rational : forall x y : Q, Q2R (Qmax x y) = Rmax (Q2R x) (Q2R y).
Proof.
  intros x y. destruct (Qlt_le_dec x y) as [less|more].
  - apply Qlt_le_weak in less. rewrite (Qeq_eqR _ _ (Q.max_r _ _ less)), Rmax_right by (apply Qle_Rle; exact less).
    reflexivity.
  - rewrite (Qeq_eqR _ _ (Q.max_l _ _ more)), Rmax_left by (apply Qle_Rle; exact more). reflexivity.
Qed.

Lemma gradient_flow_growth_rational : forall h mu K : Q,
  Q2R (gradient_flow_growth_Q h mu K) = gradient_flow_growth (Q2R h) (Q2R mu) (Q2R K).
Proof.
  intros h mu K. unfold gradient_flow_growth_Q, gradient_flow_growth.
  rewrite maximum_rational, !absolute_value_rational, Q2R_minus, Q2R_plus, !Q2R_mult.
  replace (Q2R 1) with 1 by (unfold Q2R; simpl; field). reflexivity.
Qed.

(** Half the sum of two numbers and half their distance make the larger absolute value. *)
Lemma centre_and_radius : forall a b, a <= b -> Rabs ((a + b) / 2) + (b - a) / 2 = Rmax (Rabs a) (Rabs b).
Proof.
  intros a b order. unfold Rmax, Rabs.
  repeat match goal with
    | |- context [Rcase_abs ?x] => destruct (Rcase_abs x)
    | |- context [Rle_dec ?x ?y] => destruct (Rle_dec x y)
    end; lra.
Qed.

Lemma gradient_flow_growth_nonnegative : forall h mu K, 0 <= gradient_flow_growth h mu K.
Proof.
  intros h mu K. unfold gradient_flow_growth. apply Rle_trans with (Rabs (1 - h * K)); [apply Rabs_pos|apply Rmax_l].
Qed.

Section EulerOnGradientFlows.

Variable E : InnerProductSpace.

(** ** By cocoercivity *)

(** ‖e + hΔf‖² = ‖e‖² + 2h⟨Δf, e⟩ + h²‖Δf‖² and ⟨Δf, e⟩ ≤ −‖Δf‖²/β *)
Theorem cocoercive_step_squared : forall f h beta t z y, 0 < h -> 0 < beta -> cocoercive E f beta ->
  ‖(z ⊖ y) ⊕ h • (f t z ⊖ f t y)‖ * ‖(z ⊖ y) ⊕ h • (f t z ⊖ f t y)‖
    <= ‖z ⊖ y‖ * ‖z ⊖ y‖ - (2 * h / beta - h * h) * (‖f t z ⊖ f t y‖ * ‖f t z ⊖ f t y‖).
Proof.
  intros f h beta t z y positive steep constant. pose proof (constant t z y) as products.
  set (e := z ⊖ y) in *. set (d := f t z ⊖ f t y) in *.
  rewrite norm_squared_of_sum, dot_scale_right, norm_scale, Rabs_right, (dot_symmetric _ e d) by lra.
  assert (0 < 2 * h / beta) as factor by (apply Rdiv_lt_0_compat; lra).
  pose proof (Rmult_le_compat_l _ _ _ (Rlt_le _ _ factor) products) as scaled.
  replace (2 * h / beta * (- beta * ⟨d, e⟩)) with (- (2 * h * ⟨d, e⟩)) in scaled by (field; lra). lra.
Qed.

Theorem gradient_flow_never_expands : forall f t0 h beta, 0 < h -> 0 < beta -> h <= 2 / beta -> cocoercive E f beta ->
  forall n, grows_at_most E (euler_step E f t0 h n) 1.
Proof.
  intros f t0 h beta positive steep small constant n z y. unfold euler_step. set (t := t0 + INR n * h).
  replace ((z ⊕ h • f t z) ⊖ (y ⊕ h • f t y)) with ((z ⊖ y) ⊕ h • (f t z ⊖ f t y)) by vector.
  rewrite Rmult_1_l. apply compare_squares; [apply norm_nonnegative|].
  pose proof (cocoercive_step_squared f h beta t z y positive steep constant) as squared.
  (* 2h/β − h² = h(2/β − h) ≥ 0 *)
  assert (0 <= 2 * h / beta - h * h) as room.
  { replace (2 * h / beta - h * h) with (h * (2 / beta - h)) by (field; lra). apply Rmult_le_pos; lra. }
  pose proof (Rmult_le_pos _ _ room (norm_squared_nonnegative E (f t z ⊖ f t y))). lra.
Qed.

(** ** By the interval of the secants *)

(** e + hΔf lies in the ball around (1 − ½h(K + m))e with radius ½h(K − m)‖e‖. *)
Theorem secants_step : forall f t0 h m K n, 0 < h -> m <= K -> secants_between E f m K ->
  grows_at_most E (euler_step E f t0 h n) (gradient_flow_growth h (- m) K).
Proof.
  intros f t0 h m K n positive order between z y. unfold euler_step. set (t := t0 + INR n * h).
  replace ((z ⊕ h • f t z) ⊖ (y ⊕ h • f t y)) with ((z ⊖ y) ⊕ h • (f t z ⊖ f t y)) by vector.
  pose proof (secants_in_ball E f m K t z y between) as ball. cbv zeta in ball.
  set (e := z ⊖ y) in *. set (d := f t z ⊖ f t y) in *. set (centred := d ⊕ ((K + m) / 2) • e) in *.
  pose proof (norm_nonnegative _ e).
  assert (‖centred‖ <= (K - m) / 2 * ‖e‖) as radius.
  { apply compare_squares; [apply Rmult_le_pos; lra|]. lra. }
  unfold gradient_flow_growth. replace (1 + h * - m) with (1 - h * m) by ring.
  rewrite <- centre_and_radius by (pose proof (Rmult_le_compat_l h _ _ (Rlt_le _ _ positive) order); lra).
  replace (e ⊕ h • d) with (((1 - h * K + (1 - h * m)) / 2) • e ⊕ h • centred) by (unfold centred; vector).
  eapply Rle_trans; [apply norm_triangle|]. rewrite !norm_scale, (Rabs_right h) by lra.
  pose proof (Rmult_le_compat_l h _ _ (Rlt_le _ _ positive) radius). lra.
Qed.

Theorem gradient_flow_growth_over_steps : forall f t0 h m K, 0 < h -> m <= K -> secants_between E f m K ->
  forall z y n, ‖solution E (euler_step E f t0 h) z n ⊖ solution E (euler_step E f t0 h) y n‖
    <= gradient_flow_growth h (- m) K ^ n * ‖z ⊖ y‖.
Proof.
  intros f t0 h m K positive order between z y n.
  apply growth_over_equal_steps; [apply gradient_flow_growth_nonnegative|].
  intro step. apply secants_step; assumption.
Qed.

(** A gradient flow less ρy: μ = −ρ and K = β + ρ. *)
Corollary dissipative_gradient_flow_growth : forall f t0 h beta rho, 0 < h -> 0 <= beta -> cocoercive E f beta ->
  forall z y n, ‖solution E (euler_step E (dissipative E f rho) t0 h) z n
                 ⊖ solution E (euler_step E (dissipative E f rho) t0 h) y n‖
    <= gradient_flow_growth h (- rho) (beta + rho) ^ n * ‖z ⊖ y‖.
Proof.
  intros f t0 h beta rho positive nonnegative constant.
  apply gradient_flow_growth_over_steps; [assumption|lra|].
  replace rho with (0 + rho) at 2 by ring. apply secants_with_dissipation, secants_from_zero, constant.
Qed.

(** For μ = 0 it is max(1, hK − 1), and that is 1 while h ≤ 2/K. *)
Theorem gradient_flow_growth_without_dissipation : forall h K, 0 < h -> 0 < K ->
  gradient_flow_growth h 0 K = Rmax 1 (h * K - 1) /\ (gradient_flow_growth h 0 K <= 1 <-> h <= 2 / K).
Proof.
  intros h K positive steep. pose proof (Rmult_lt_0_compat _ _ positive steep) as product.
  assert (gradient_flow_growth h 0 K = Rmax 1 (h * K - 1)) as same.
  { unfold gradient_flow_growth. rewrite Rmult_0_r, Rplus_0_r, Rabs_R1, Rmax_comm. unfold Rabs.
    destruct (Rcase_abs (1 - h * K)); [f_equal; ring|]. rewrite !Rmax_left by lra. reflexivity. }
  split; [exact same|]. rewrite same.
  assert (2 / K * K = 2) as quotient by (field; lra).
  split; intro less.
  - pose proof (Rmax_r 1 (h * K - 1)). apply Rmult_le_reg_r with K; [assumption|]. lra.
  - pose proof (Rmult_le_compat_r _ _ _ (Rlt_le _ _ steep) less). apply Rmax_lub; lra.
Qed.

(** ** Attained *)

(** f = −cy has all secants equal to c; one step multiplies every distance by |1 − hc|. *)
Lemma scaling_step : forall t0 h c n z y,
  ‖euler_step E (fun _ u => (- c) • u) t0 h n z ⊖ euler_step E (fun _ u => (- c) • u) t0 h n y‖
    = Rabs (1 - h * c) * ‖z ⊖ y‖.
Proof.
  intros t0 h c n z y. unfold euler_step. rewrite <- norm_scale. f_equal. vector.
Qed.

Lemma scaling_secants : forall m K c, m <= c <= K -> secants_between E (fun _ u => (- c) • u) m K.
Proof.
  intros m K c between t z y.
  replace (K • (z ⊖ y) ⊕ ((- c) • z ⊖ (- c) • y)) with ((K - c) • (z ⊖ y)) by vector.
  replace (opposite ((- c) • z ⊖ (- c) • y) ⊖ m • (z ⊖ y)) with ((c - m) • (z ⊖ y)) by vector.
  rewrite dot_scale_left, dot_scale_right, dot_is_norm_squared.
  apply Rmult_le_pos; [lra|]. apply Rmult_le_pos; [lra|apply norm_squared_nonnegative].
Qed.

(** c = K or c = m attains the larger of |1 − hK| and |1 − hm|. *)
Theorem gradient_flow_growth_is_attained : forall h m K, m <= K ->
  exists c, secants_between E (fun _ u => (- c) • u) m K /\
    forall t0 n z y,
      ‖euler_step E (fun _ u => (- c) • u) t0 h n z ⊖ euler_step E (fun _ u => (- c) • u) t0 h n y‖
        = gradient_flow_growth h (- m) K * ‖z ⊖ y‖.
Proof.
  intros h m K order. unfold gradient_flow_growth. replace (1 + h * - m) with (1 - h * m) by ring.
  destruct (Rle_dec (Rabs (1 - h * K)) (Rabs (1 - h * m))) as [less|more].
  - exists m. split; [apply scaling_secants; lra|]. intros. rewrite Rmax_right by assumption. apply scaling_step.
  - exists K. split; [apply scaling_secants; lra|]. intros. rewrite Rmax_left by lra. apply scaling_step.
Qed.

(** With W = w and σ the identity f = −w²y: where h > 2/w² every distance grows, by the factor hw² − 1 > 1. *)
Theorem larger_steps_expand : forall t0 h w n, 0 < h -> 0 < w -> 2 / (w * w) < h ->
  1 < h * (w * w) - 1 /\
  forall z y, ‖euler_step E (gradient_flow E E (fun u => w • u) (fun v => w • v) zero (fun u => u)) t0 h n z
               ⊖ euler_step E (gradient_flow E E (fun u => w • u) (fun v => w • v) zero (fun u => u)) t0 h n y‖
    = (h * (w * w) - 1) * ‖z ⊖ y‖.
Proof.
  intros t0 h w n positive steep large.
  assert (0 < w * w) as square by (apply Rmult_lt_0_compat; assumption).
  assert (2 / (w * w) * (w * w) = 2) as quotient by (field; lra).
  pose proof (Rmult_lt_compat_r _ _ _ square large) as product.
  split; [lra|]. intros z y.
  replace (h * (w * w) - 1) with (Rabs (1 - h * (w * w))) by (rewrite Rabs_left; lra).
  rewrite <- norm_scale. unfold euler_step, gradient_flow. f_equal. vector.
Qed.

End EulerOnGradientFlows.
