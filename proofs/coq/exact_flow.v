(** * The exact flow under a one-sided constant

    Statement.   Two solutions of dy/dt = f(t, y) on [t0, b] satisfy ‖e(b)‖ ≤ e^{μ(b − t0)}‖e(t0)‖, and from K alone
                 ‖e(b)‖ ≤ e^{K(b − t0)}‖e(t0)‖. Both are attained by f = cy.
    Assumptions. any inner product space; the solutions are differentiable at every t in [t0, b]; f(t, ·) has the
                 one-sided constant μ, of either sign, or is K-Lipschitz; nothing about h, and f need not be continuous
    Source.      theory, section 3; the paper's (11) for the flow; Dahlquist 1958; Söderlind, BIT 46, 2006
    Verdict.     proved as stated
    Theorems.    norm_squared_has_derivative, exact_flow_growth, exact_flow_growth_from_lipschitz,
                 exact_flow_growth_is_attained *)

From Coq Require Import Reals Lra Psatz.
From NatrobProofs Require Import normed_space inner_product_space theorem_3_1 one_sided.
Open Scope R_scope.
Open Scope vector_scope.

Lemma exponential_has_derivative : forall a t0 t,
  derivable_pt_lim (fun s => exp (a * (s - t0))) t (exp (a * (t - t0)) * a).
Proof.
  intros a t0 t. apply (derivable_pt_lim_comp (fun s => a * (s - t0)) exp); [|apply derivable_pt_lim_exp].
  (* the quotients of a(s − t0) are a *)
  intros epsilon positive. exists (mkposreal 1 Rlt_0_1). intros h nonzero _.
  replace ((a * (t + h - t0) - a * (t - t0)) / h - a) with 0 by (field; assumption). rewrite Rabs_R0. assumption.
Qed.

(** ** Of numbers: g' ≤ 2μg makes g(b) ≤ e^{2μ(b − t0)}g(t0), because g(t)e^{−2μt} does not increase. *)

Lemma growth_of_squares : forall (g g' : R -> R) mu t0 b,
  t0 <= b ->
  (forall t, t0 <= t <= b -> derivable_pt_lim g t (g' t)) ->
  (forall t, t0 <= t <= b -> g' t <= 2 * mu * g t) ->
  g b <= exp (2 * mu * (b - t0)) * g t0.
Proof.
  intros g g' mu t0 b order slope bound. destruct order as [less|same].
  2: { subst b. replace (2 * mu * (t0 - t0)) with 0 by ring. rewrite exp_0. lra. }
  set (weight := fun t => exp (- 2 * mu * (t - t0))).
  assert (forall t, derivable_pt_lim weight t (weight t * (- 2 * mu))) as weight_slope
    by (intro t; apply exponential_has_derivative).
  (* (g e^{−2μt})' = (g' − 2μg) e^{−2μt} ≤ 0 *)
  destruct (MVT_cor2 (fun t => g t * weight t) (fun t => g' t * weight t + g t * (weight t * (- 2 * mu))) t0 b less)
    as [between [difference within]].
  { intros t inside. apply (derivable_pt_lim_mult g weight); [apply slope; assumption|apply weight_slope]. }
  assert (g b * weight b <= g t0 * weight t0) as decreasing.
  { assert (0 < weight between) as positive by apply exp_pos.
    pose proof (bound between ltac:(lra)) as slope_between.
    assert (0 <= (2 * mu * g between - g' between) * weight between * (b - t0)) as sign.
    { apply Rmult_le_pos; [apply Rmult_le_pos; lra|lra]. }
    lra. }
  unfold weight in decreasing. replace (- 2 * mu * (t0 - t0)) with 0 in decreasing by ring. rewrite exp_0 in decreasing.
  apply Rmult_le_reg_r with (exp (- 2 * mu * (b - t0))); [apply exp_pos|].
  replace (exp (2 * mu * (b - t0)) * g t0 * exp (- 2 * mu * (b - t0)))
    with (g t0 * (exp (2 * mu * (b - t0)) * exp (- 2 * mu * (b - t0)))) by ring.
  rewrite <- exp_plus. replace (2 * mu * (b - t0) + - 2 * mu * (b - t0)) with 0 by ring. rewrite exp_0. lra.
Qed.

Section ExactFlow.

Variable E : InnerProductSpace.

(** ** Solutions *)

(** v is the derivative of y at t: the difference quotients tend to it. *)
Definition has_derivative (y : R -> E) (t : R) (v : E) : Prop :=
  forall epsilon, 0 < epsilon -> exists delta, 0 < delta /\
    forall h, h <> 0 -> Rabs h < delta -> ‖(/ h) • (y (t + h) ⊖ y t) ⊖ v‖ < epsilon.

Definition solves (f : R -> E -> E) (t0 b : R) (y : R -> E) : Prop :=
  forall t, t0 <= t <= b -> has_derivative y t (f t (y t)).

Lemma difference_has_derivative : forall z y t v w,
  has_derivative z t v -> has_derivative y t w -> has_derivative (fun s => z s ⊖ y s) t (v ⊖ w).
Proof.
  intros z y t v w of_z of_y epsilon positive.
  destruct (of_z (epsilon / 2) ltac:(lra)) as [delta_z [positive_z near_z]].
  destruct (of_y (epsilon / 2) ltac:(lra)) as [delta_y [positive_y near_y]].
  exists (Rmin delta_z delta_y). split; [apply Rmin_pos; assumption|]. intros h nonzero small.
  pose proof (near_z h nonzero (Rlt_le_trans _ _ _ small (Rmin_l _ _))) as close_z.
  pose proof (near_y h nonzero (Rlt_le_trans _ _ _ small (Rmin_r _ _))) as close_y.
  set (p := (/ h) • (z (t + h) ⊖ z t) ⊖ v) in *. set (q := (/ h) • (y (t + h) ⊖ y t) ⊖ w) in *.
  replace ((/ h) • ((z (t + h) ⊖ y (t + h)) ⊖ (z t ⊖ y t)) ⊖ (v ⊖ w)) with (p ⊖ q) by (unfold p, q; vector).
  apply Rle_lt_trans with (‖p‖ + ‖opposite q‖); [apply norm_triangle|]. rewrite norm_opposite. lra.
Qed.

(** (‖e‖²)' = 2⟨e', e⟩: with the quotient q and d = q − e', (‖e + hq‖² − ‖e‖²)/h − 2⟨e', e⟩ = 2⟨d, e⟩ + h‖q‖². *)
Theorem norm_squared_has_derivative : forall (e : R -> E) t v,
  has_derivative e t v -> derivable_pt_lim (fun s => ‖e s‖ * ‖e s‖) t (2 * ⟨v, e t⟩).
Proof.
  intros e t v derivative epsilon positive.
  pose proof (norm_nonnegative _ (e t)) as size. pose proof (norm_nonnegative _ v) as speed.
  set (eta := Rmin 1 (epsilon / (4 * (‖e t‖ + 1)))).
  assert (0 < epsilon / (4 * (‖e t‖ + 1))) as positive_quotient by (apply Rdiv_lt_0_compat; lra).
  assert (0 < eta) as positive_eta by (apply Rmin_pos; lra).
  assert (eta <= 1) as below_one by apply Rmin_l.
  assert (eta * (4 * (‖e t‖ + 1)) <= epsilon) as within.
  { apply Rle_trans with (epsilon / (4 * (‖e t‖ + 1)) * (4 * (‖e t‖ + 1))).
    - apply Rmult_le_compat_r; [lra|apply Rmin_r].
    - right. field. lra. }
  destruct (derivative eta positive_eta) as [delta [positive_delta near]].
  set (square := (‖v‖ + 1) * (‖v‖ + 1)).
  assert (0 < square) as positive_square by (apply Rmult_lt_0_compat; lra).
  assert (0 < epsilon / (2 * square)) as positive_step by (apply Rdiv_lt_0_compat; lra).
  exists (mkposreal _ (Rmin_pos _ _ positive_delta positive_step)). simpl. intros h nonzero small.
  pose proof (Rlt_le_trans _ _ _ small (Rmin_l _ _)) as small_for_quotient.
  pose proof (Rlt_le_trans _ _ _ small (Rmin_r _ _)) as small_for_square.
  pose proof (near h nonzero small_for_quotient) as close.
  set (q := (/ h) • (e (t + h) ⊖ e t)) in *. set (d := q ⊖ v) in *.
  replace (e (t + h)) with (e t ⊕ h • q).
  2: { unfold q. rewrite scale_scale, Rinv_r by assumption. vector. }
  assert ((‖e t ⊕ h • q‖ * ‖e t ⊕ h • q‖ - ‖e t‖ * ‖e t‖) / h - 2 * ⟨v, e t⟩ = 2 * ⟨d, e t⟩ + h * (‖q‖ * ‖q‖)) as rest.
  { unfold d. rewrite <- !dot_is_norm_squared. expand_dot. rewrite (dot_symmetric _ (e t) q). field. assumption. }
  rewrite rest.
  (* |2⟨d, e⟩| ≤ 2‖d‖‖e‖ < ε/2 and |h|‖q‖² ≤ |h|(‖v‖ + 1)² < ε/2 *)
  pose proof (cauchy_schwarz_absolute _ d (e t)) as products.
  pose proof (norm_nonnegative _ d) as nonnegative. pose proof (norm_nonnegative _ q) as quotient.
  assert (‖q‖ <= ‖v‖ + 1) as bounded.
  { replace q with (d ⊕ v) by (unfold d; vector). apply Rle_trans with (‖d‖ + ‖v‖); [apply norm_triangle|lra]. }
  assert (‖q‖ * ‖q‖ <= square) as squares by (apply Rmult_le_compat; assumption).
  assert (Rabs h * square < epsilon / 2) as second.
  { apply Rlt_le_trans with (epsilon / (2 * square) * square); [apply Rmult_lt_compat_r; assumption|].
    right. field. lra. }
  assert (‖d‖ * ‖e t‖ <= eta * ‖e t‖) as first by (apply Rmult_le_compat_r; lra).
  eapply Rle_lt_trans; [apply Rabs_triang|]. rewrite !Rabs_mult, (Rabs_right 2) by lra.
  rewrite (Rabs_right (‖q‖)) by lra.
  pose proof (Rmult_le_compat_l (Rabs h) _ _ (Rabs_pos h) squares). lra.
Qed.

(** ** Growth *)

Theorem exact_flow_growth : forall f mu t0 b (z y : R -> E),
  t0 <= b -> one_sided E f mu -> solves f t0 b z -> solves f t0 b y ->
  ‖z b ⊖ y b‖ <= exp (mu * (b - t0)) * ‖z t0 ⊖ y t0‖.
Proof.
  intros f mu t0 b z y order constant solves_z solves_y.
  apply compare_squares; [apply Rmult_le_pos; [apply Rlt_le, exp_pos|apply norm_nonnegative]|].
  replace (exp (mu * (b - t0)) * ‖z t0 ⊖ y t0‖ * (exp (mu * (b - t0)) * ‖z t0 ⊖ y t0‖))
    with (exp (2 * mu * (b - t0)) * (‖z t0 ⊖ y t0‖ * ‖z t0 ⊖ y t0‖)).
  - apply (growth_of_squares (fun t => ‖z t ⊖ y t‖ * ‖z t ⊖ y t‖)
      (fun t => 2 * ⟨f t (z t) ⊖ f t (y t), z t ⊖ y t⟩)); [assumption| |].
    + intros t inside. apply (norm_squared_has_derivative (fun s => z s ⊖ y s)).
      apply difference_has_derivative; [apply solves_z|apply solves_y]; assumption.
    + intros t inside. pose proof (constant t (z t) (y t)). lra.
  - replace (2 * mu * (b - t0)) with (mu * (b - t0) + mu * (b - t0)) by ring. rewrite exp_plus. ring.
Qed.

Corollary exact_flow_growth_from_lipschitz : forall f K t0 b (z y : R -> E),
  t0 <= b -> lipschitz E f K -> solves f t0 b z -> solves f t0 b y ->
  ‖z b ⊖ y b‖ <= exp (K * (b - t0)) * ‖z t0 ⊖ y t0‖.
Proof.
  intros f K t0 b z y order constant. apply exact_flow_growth; [assumption|].
  apply one_sided_of_lipschitz. exact constant.
Qed.

(** ** Attained: e^{c(t − t0)}u solves dy/dt = cy *)

Lemma exponential_solves : forall c t0 b (u : E),
  solves (fun _ y => c • y) t0 b (fun t => exp (c * (t - t0)) • u).
Proof.
  intros c t0 b u t _ epsilon positive.
  assert (derivable_pt_lim (fun s => exp (c * (s - t0))) t (exp (c * (t - t0)) * c)) as slope
    by apply exponential_has_derivative.
  pose proof (norm_nonnegative _ u) as size.
  assert (0 < epsilon / (‖u‖ + 1)) as share by (apply Rdiv_lt_0_compat; lra).
  destruct (slope _ share) as [delta near]. exists delta. split; [apply cond_pos|]. intros h nonzero small.
  pose proof (near h nonzero small) as close.
  set (before := exp (c * (t - t0))) in *. set (after := exp (c * (t + h - t0))) in *.
  replace ((/ h) • (after • u ⊖ before • u) ⊖ c • (before • u)) with (((after - before) / h - before * c) • u)
    by (unfold Rdiv; vector).
  rewrite norm_scale.
  apply Rle_lt_trans with (epsilon / (‖u‖ + 1) * ‖u‖); [apply Rmult_le_compat_r; lra|].
  apply Rlt_le_trans with (epsilon / (‖u‖ + 1) * (‖u‖ + 1)); [apply Rmult_lt_compat_l; lra|].
  right. field. lra.
Qed.

Theorem exact_flow_growth_is_attained : forall c t0 b (start_z start_y : E),
  let z := fun t => exp (c * (t - t0)) • start_z in
  let y := fun t => exp (c * (t - t0)) • start_y in
  one_sided E (fun _ u => c • u) c /\
  solves (fun _ u => c • u) t0 b z /\ solves (fun _ u => c • u) t0 b y /\
  z t0 = start_z /\ y t0 = start_y /\
  ‖z b ⊖ y b‖ = exp (c * (b - t0)) * ‖z t0 ⊖ y t0‖.
Proof.
  intros c t0 b start_z start_y z y.
  assert (forall u : E, exp (c * (t0 - t0)) • u = u) as start.
  { intro u. replace (c * (t0 - t0)) with 0 by ring. rewrite exp_0. vector. }
  split; [|split; [|split; [|split; [|split]]]].
  - intros t u v. replace (c • u ⊖ c • v) with (c • (u ⊖ v)) by vector.
    rewrite dot_scale_left, dot_is_norm_squared. lra.
  - apply exponential_solves.
  - apply exponential_solves.
  - apply start.
  - apply start.
  - unfold z, y. rewrite !start. set (g := exp (c * (b - t0))).
    replace (g • start_z ⊖ g • start_y) with (g • (start_z ⊖ start_y)) by vector.
    rewrite norm_scale, Rabs_right; [reflexivity|]. apply Rle_ge, Rlt_le, exp_pos.
Qed.

End ExactFlow.
