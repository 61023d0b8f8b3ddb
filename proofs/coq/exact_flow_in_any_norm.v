(** * The exact flow under a logarithmic norm, in any norm

    Statement.   ‖e + h(f(t, z) − f(t, y))‖ ≤ (1 + hμ)‖e‖ with e = z − y, for one h > 0 and all states z and y of two
                 solutions of dy/dt = f(t, y), gives ‖e(b)‖ ≤ e^{μb}‖e(0)‖. A curve with ‖w'‖ ≤ ν‖w‖ obeys
                 ‖w(b)‖ ≤ e^{νb}‖w(0)‖.
    Assumptions. any normed space; the solutions are differentiable on [0, b]; 1 + hμ ≥ 0; ν ≥ 0. In the maximum norm
                 and in L1 a matrix J with h|J_ii| ≤ 1 has ‖I + hJ‖ = 1 + hμ(J), its logarithmic norm, so one h serves
                 all states where the diagonals are bounded
    Source.      theory, sections 3 and 8; Dahlquist 1958; Söderlind, BIT 46, 2006
    Verdict.     proved as stated
    Theorems.    growth_of_curves, exact_flow_in_any_norm *)

From Coq Require Import Reals Lra Lia Psatz.
From NatrobProofs Require Import normed_space mean_value affine_series.
Open Scope R_scope.
Open Scope vector_scope.

Section AnyNorm.

Variable V : NormedSpace.

Lemma norms_differ : forall p q : V, Rabs (‖p‖ - ‖q‖) <= ‖p ⊖ q‖.
Proof.
  intros p q. apply Rabs_le.
  assert (‖p‖ <= ‖p ⊖ q‖ + ‖q‖) as first.
  { replace p with ((p ⊖ q) ⊕ q) at 1 by vector. apply norm_triangle. }
  assert (‖q‖ <= ‖p ⊖ q‖ + ‖p‖) as second.
  { rewrite distance_symmetric. replace q with ((q ⊖ p) ⊕ p) at 1 by vector. apply norm_triangle. }
  lra.
Qed.

Lemma difference_has_derivative : forall z y t (v x : V),
  has_derivative V z t v -> has_derivative V y t x -> has_derivative V (fun s => z s ⊖ y s) t (v ⊖ x).
Proof.
  intros z y t v x of_z of_y epsilon positive.
  destruct (of_z (epsilon / 2) ltac:(lra)) as [delta_z [positive_z near_z]].
  destruct (of_y (epsilon / 2) ltac:(lra)) as [delta_y [positive_y near_y]].
  exists (Rmin delta_z delta_y). split; [apply Rmin_pos; assumption|]. intros h nonzero small.
  pose proof (near_z h nonzero (Rlt_le_trans _ _ _ small (Rmin_l _ _))) as close_z.
  pose proof (near_y h nonzero (Rlt_le_trans _ _ _ small (Rmin_r _ _))) as close_y.
  set (p := (/ h) • (z (t + h) ⊖ z t) ⊖ v) in *. set (q := (/ h) • (y (t + h) ⊖ y t) ⊖ x) in *.
  replace ((/ h) • ((z (t + h) ⊖ y (t + h)) ⊖ (z t ⊖ y t)) ⊖ (v ⊖ x)) with (p ⊖ q) by (unfold p, q; vector).
  apply Rle_lt_trans with (‖p‖ + ‖opposite q‖); [apply norm_triangle|]. rewrite norm_opposite. lra.
Qed.

(** (g w)' = g'w + gw' *)
Lemma multiple_has_derivative : forall (g : R -> R) (w : R -> V) t slope v,
  derivable_pt_lim g t slope -> has_derivative V w t v ->
  has_derivative V (fun s => g s • w s) t (slope • w t ⊕ g t • v).
Proof.
  intros g w t slope v of_g of_w epsilon positive.
  pose proof (norm_nonnegative V (w t)) as size_w. pose proof (Rabs_pos (g t)) as size_g.
  set (bound := ‖w t‖ + Rabs (g t) + ‖v‖ + Rabs slope + 3). pose proof (norm_nonnegative V v) as size_v.
  pose proof (Rabs_pos slope) as size_slope. assert (3 <= bound) as large by (unfold bound; lra).
  set (eta := Rmin 1 (epsilon / (4 * bound))).
  assert (0 < epsilon / (4 * bound)) as share by (apply Rdiv_lt_0_compat; lra).
  assert (0 < eta) as small_eta by (apply Rmin_pos; lra).
  assert (eta <= 1) as below_one by apply Rmin_l.
  assert (eta * (4 * bound) <= epsilon) as within.
  { apply Rle_trans with (epsilon / (4 * bound) * (4 * bound)); [apply Rmult_le_compat_r; [lra|apply Rmin_r]|].
    right. field. lra. }
  destruct (of_g eta small_eta) as [delta_g near_g]. destruct (of_w eta small_eta) as [delta_w [positive_w near_w]].
  set (delta := Rmin (Rmin delta_g delta_w) (eta / bound)).
  assert (0 < eta / bound) as last by (apply Rdiv_lt_0_compat; lra).
  exists delta. split; [repeat apply Rmin_pos; try assumption; apply cond_pos|].
  intros k nonzero close.
  pose proof (Rlt_le_trans _ _ _ close (Rmin_l _ _)) as close_both.
  pose proof (Rlt_le_trans _ _ _ close (Rmin_r _ _)) as close_last.
  pose proof (near_g k nonzero (Rlt_le_trans _ _ _ close_both (Rmin_l _ _))) as at_g.
  pose proof (near_w k nonzero (Rlt_le_trans _ _ _ close_both (Rmin_r _ _))) as at_w.
  set (dg := (g (t + k) - g t) / k) in *. set (q := (/ k) • (w (t + k) ⊖ w t)) in *.
  assert (w (t + k) = w t ⊕ k • q) as after.
  { unfold q. rewrite scale_scale, Rinv_r, scale_one by assumption. vector. }
  assert (g (t + k) = g t + k * dg) as g_after by (unfold dg; field; assumption).
  replace ((/ k) • (g (t + k) • w (t + k) ⊖ g t • w t) ⊖ (slope • w t ⊕ g t • v))
    with ((dg - slope) • w t ⊕ g t • (q ⊖ v) ⊕ (k * dg) • q).
  2: { rewrite after, g_after. set (wt := w t). set (gt := g t).
       replace ((gt + k * dg) • (wt ⊕ k • q) ⊖ gt • wt) with (k • (dg • wt ⊕ gt • q ⊕ (k * dg) • q)) by vector.
       rewrite scale_scale, Rinv_l, scale_one by assumption. vector. }
  apply Rle_lt_trans with (1 := norm_triangle _ _ _).
  pose proof (norm_triangle _ ((dg - slope) • w t) (g t • (q ⊖ v))) as inner. rewrite !norm_scale in *.
  assert (Rabs (dg - slope) * ‖w t‖ <= eta * ‖w t‖) as first by (apply Rmult_le_compat_r; lra).
  assert (Rabs (g t) * ‖q ⊖ v‖ <= Rabs (g t) * eta) as second by (apply Rmult_le_compat_l; lra).
  assert (‖q‖ <= ‖v‖ + 1) as size_q.
  { replace q with ((q ⊖ v) ⊕ v) by vector. apply Rle_trans with (1 := norm_triangle _ _ _). lra. }
  assert (Rabs dg <= Rabs slope + 1) as size_dg.
  { replace dg with ((dg - slope) + slope) by ring. apply Rle_trans with (1 := Rabs_triang _ _). lra. }
  rewrite Rabs_mult.
  assert (Rabs k * bound <= eta) as step_size.
  { apply Rle_trans with (eta / bound * bound); [apply Rmult_le_compat_r; lra|]. right. field. lra. }
  assert (Rabs k * Rabs dg * ‖q‖ <= eta * bound) as third.
  { apply Rle_trans with (Rabs k * bound * bound).
    - apply Rmult_le_compat; [apply Rmult_le_pos; apply Rabs_pos|apply norm_nonnegative| |unfold bound; lra].
      apply Rmult_le_compat_l; [apply Rabs_pos|unfold bound; lra].
    - apply Rmult_le_compat_r; lra. }
  assert (eta * ‖w t‖ + Rabs (g t) * eta <= eta * bound) as sum.
  { replace (eta * ‖w t‖ + Rabs (g t) * eta) with (eta * (‖w t‖ + Rabs (g t))) by ring.
    apply Rmult_le_compat_l; [lra|unfold bound; lra]. }
  assert (0 < eta * bound) by (apply Rmult_lt_0_compat; lra). lra.
Qed.

(** ** A curve whose speed is at most ν times its norm *)

Section Growth.

Variable w w' : R -> V.
Variable nu b : R.
Hypothesis forward : 0 <= b.
Hypothesis nonnegative : 0 <= nu.
Hypothesis derivative : forall s, 0 <= s <= b -> has_derivative V w s (w' s).
Hypothesis speed : forall s, 0 <= s <= b -> ‖w' s‖ <= nu * ‖w s‖.

Lemma norm_is_continuous : forall s, 0 <= s <= b -> continuity_pt (fun t => ‖w t‖) s.
Proof.
  intros s inside epsilon positive.
  destruct (move_near V w s (w' s) 1 (derivative s inside) Rlt_0_1) as [delta [small near]].
  pose proof (norm_nonnegative V (w' s)) as size.
  assert (0 < epsilon / (‖w' s‖ + 2)) as share by (apply Rdiv_lt_0_compat; lra).
  exists (Rmin delta (epsilon / (‖w' s‖ + 2))). split; [apply Rmin_pos; assumption|].
  intros t [_ close]. simpl in *. unfold R_dist in *.
  pose proof (Rlt_le_trans _ _ _ close (Rmin_l _ _)) as close_delta.
  pose proof (Rlt_le_trans _ _ _ close (Rmin_r _ _)) as close_share.
  pose proof (near (t - s) close_delta) as move. replace (s + (t - s)) with t in move by ring.
  apply Rle_lt_trans with (1 := norms_differ _ _). apply Rle_lt_trans with (1 := move).
  apply Rle_lt_trans with ((‖w' s‖ + 2) * Rabs (t - s)); [apply Rmult_le_compat_r; [apply Rabs_pos|lra]|].
  apply Rlt_le_trans with ((‖w' s‖ + 2) * (epsilon / (‖w' s‖ + 2))); [apply Rmult_lt_compat_l; lra|].
  right. field. lra.
Qed.

(** Σ_{k≤n} ν^k s^k/k! *)
Fixpoint exponential_part (n : nat) (s : R) : R :=
  match n with
  | O => 1
  | S m => exponential_part m s + nu ^ S m * (s ^ S m / INR (fact (S m)))
  end.

Lemma exponential_part_has_slope : forall n s,
  derivable_pt_lim (exponential_part (S n)) s (nu * exponential_part n s).
Proof.
  intros n s. induction n as [|n step].
  - replace (nu * exponential_part 0 s) with (0 + nu ^ 1 * (s ^ 0 / INR (fact 0))) by (simpl; field).
    apply (derivable_pt_lim_plus (fun _ => 1)); [apply derivable_pt_lim_const|apply power_term_has_slope].
  - replace (nu * exponential_part (S n) s)
      with (nu * exponential_part n s + nu ^ S (S n) * (s ^ S n / INR (fact (S n)))).
    + apply (derivable_pt_lim_plus (exponential_part (S n))); [exact step|apply power_term_has_slope].
    + cbn [exponential_part]. rewrite <- (tech_pow_Rmult nu (S n)). set (q := s ^ S n / INR (fact (S n))). ring.
Qed.

Lemma exponential_part_starts : forall n, exponential_part n 0 = 1.
Proof.
  induction n as [|n step]; [reflexivity|]. cbn [exponential_part]. rewrite step.
  replace (0 ^ S n) with 0 by (simpl; ring). unfold Rdiv. ring.
Qed.

Lemma exponential_part_below : forall n s, 0 <= s -> exponential_part n s <= exp (nu * s).
Proof.
  intros n s after.
  assert (exponential_part n s = sum_f_R0 (fun k => / INR (fact k) * (nu * s) ^ k) n) as as_sum.
  { induction n as [|n step]; [simpl; field|]. cbn [exponential_part sum_f_R0]. rewrite step, Rpow_mult_distr.
    unfold Rdiv. set (count := / INR (fact (S n))). ring. }
  rewrite as_sum. apply sum_incr.
  - unfold exp. destruct (exist_exp (nu * s)) as [limit converges]. exact converges.
  - intro k. apply Rmult_le_pos; [apply Rlt_le, Rinv_0_lt_compat, INR_fact_lt_0|].
    apply pow_le, Rmult_le_pos; assumption.
Qed.

(** Each bound of ‖w‖ gives a better one: Picard's iteration. *)
Lemma better_bounds : forall M, (forall s, 0 <= s <= b -> ‖w s‖ <= M) -> forall n s, 0 <= s <= b ->
  ‖w s‖ <= ‖w 0‖ * exponential_part n s + nu ^ S n * M * (s ^ S n / INR (fact (S n))).
Proof.
  intros M bounded. assert (0 <= M) as sign by (apply Rle_trans with (1 := norm_nonnegative V (w 0)), bounded; lra).
  assert (forall (m m' : R -> R), m 0 = 0 -> (forall s, derivable_pt_lim m s (m' s)) ->
    (forall s, 0 <= s <= b -> nu * ‖w s‖ <= m' s) -> forall s, 0 <= s <= b -> ‖w s‖ <= ‖w 0‖ + m s) as integrated.
  { intros m m' at_zero slope bound s inside.
    pose proof (mean_value_inequality V w w' m m' 0 s (proj1 inside)
      ltac:(intros t between; apply derivative; lra) ltac:(intros; apply slope)
      ltac:(intros t between; apply Rle_trans with (1 := speed t ltac:(lra)); apply bound; lra)) as move.
    replace (w s) with ((w s ⊖ w 0) ⊕ w 0) by vector. apply Rle_trans with (1 := norm_triangle _ _ _). lra. }
  induction n as [|n step]; intros s inside.
  - replace (‖w 0‖ * exponential_part 0 s + nu ^ 1 * M * (s ^ 1 / INR (fact 1)))
      with (‖w 0‖ + (nu * M * s + 0)) by (simpl; field).
    apply (integrated (fun t => nu * M * t + 0) (fun _ => nu * M)); [ring|intro; apply line_has_slope| |assumption].
    intros t between. apply Rmult_le_compat_l; [assumption|]. apply bounded. assumption.
  - replace (‖w 0‖ * exponential_part (S n) s + nu ^ S (S n) * M * (s ^ S (S n) / INR (fact (S (S n)))))
      with (‖w 0‖ + ((‖w 0‖ * exponential_part (S n) s + nu ^ S (S n) * M * (s ^ S (S n) / INR (fact (S (S n)))))
        - ‖w 0‖)) by ring.
    apply (integrated (fun t => (‖w 0‖ * exponential_part (S n) t
        + nu ^ S (S n) * M * (t ^ S (S n) / INR (fact (S (S n))))) - ‖w 0‖)
      (fun t => (‖w 0‖ * (nu * exponential_part n t) + nu ^ S (S n) * M * (t ^ S n / INR (fact (S n)))) - 0));
      [|intro t| |assumption].
    + rewrite exponential_part_starts. replace (0 ^ S (S n)) with 0 by (simpl; ring). unfold Rdiv. ring.
    + apply (derivable_pt_lim_minus (fun t => ‖w 0‖ * exponential_part (S n) t
        + nu ^ S (S n) * M * (t ^ S (S n) / INR (fact (S (S n))))) (fun _ => ‖w 0‖)); [|apply derivable_pt_lim_const].
      apply (derivable_pt_lim_plus (fun t => ‖w 0‖ * exponential_part (S n) t)); [|apply power_term_has_slope].
      apply (derivable_pt_lim_scal (exponential_part (S n))). apply exponential_part_has_slope.
    + intros t between. pose proof (Rmult_le_compat_l nu _ _ nonnegative (step t between)) as scaled.
      rewrite <- (tech_pow_Rmult nu (S n)). lra.
Qed.

Theorem growth_of_curves : ‖w b‖ <= exp (nu * b) * ‖w 0‖.
Proof.
  destruct (continuity_ab_maj (fun t => ‖w t‖) 0 b forward norm_is_continuous) as [peak [highest _]].
  set (M := ‖w peak‖). apply Rnot_lt_le. intro more.
  set (excess := ‖w b‖ - exp (nu * b) * ‖w 0‖) in *. assert (0 < excess) as positive by (unfold excess; lra).
  pose proof (norm_nonnegative V (w peak)) as sign. fold M in sign.
  assert (0 < excess / (M + 1)) as share by (apply Rdiv_lt_0_compat; lra).
  destruct (cv_speed_pow_fact (nu * b) (excess / (M + 1)) share) as [N small].
  specialize (small (S N) ltac:(lia)). unfold R_dist in small. rewrite Rminus_0_r in small.
  pose proof (Rle_lt_trans _ _ _ (Rle_abs _) small) as last.
  pose proof (better_bounds M highest N b ltac:(lra)) as bound.
  pose proof (Rmult_le_compat_l (‖w 0‖) _ _ (norm_nonnegative V (w 0)) (exponential_part_below N b forward)) as below.
  replace (nu ^ S N * M * (b ^ S N / INR (fact (S N)))) with (M * ((nu * b) ^ S N / INR (fact (S N)))) in bound
    by (rewrite Rpow_mult_distr; unfold Rdiv; ring).
  assert (M * ((nu * b) ^ S N / INR (fact (S N))) <= M * (excess / (M + 1))) as tail
    by (apply Rmult_le_compat_l; lra).
  assert (M * (excess / (M + 1)) < excess) as within.
  { apply Rmult_lt_reg_r with (M + 1); [lra|].
    replace (M * (excess / (M + 1)) * (M + 1)) with (M * excess) by (field; lra). lra. }
  unfold excess in *. lra.
Qed.

End Growth.

(** ** Two solutions *)

(** e' = −e/h + (e + hΔf)/h: e^{t/h}e has a speed of at most (1/h + μ) times its norm. *)
Theorem exact_flow_in_any_norm : forall (f : R -> V -> V) (z y : R -> V) h mu b, 0 <= b -> 0 < h -> 0 <= 1 + h * mu ->
  (forall t, 0 <= t <= b -> has_derivative V z t (f t (z t))) ->
  (forall t, 0 <= t <= b -> has_derivative V y t (f t (y t))) ->
  (forall t, 0 <= t <= b ->
    ‖(z t ⊖ y t) ⊕ h • (f t (z t) ⊖ f t (y t))‖ <= (1 + h * mu) * ‖z t ⊖ y t‖) ->
  ‖z b ⊖ y b‖ <= exp (mu * b) * ‖z 0 ⊖ y 0‖.
Proof.
  intros f z y h mu b forward positive sign of_z of_y contracts.
  set (weight := fun t => exp (/ h * t)).
  assert (forall t, derivable_pt_lim weight t (/ h * weight t)) as weight_slope.
  { intro t. replace (/ h * weight t) with (weight t * (/ h)) by ring.
    apply (derivable_pt_lim_comp (fun s => / h * s) exp); [|apply derivable_pt_lim_exp].
    pose proof (line_has_slope (/ h) 0 t) as slope. intros epsilon small.
    destruct (slope epsilon small) as [delta near].
    exists delta. intros k nonzero close. specialize (near k nonzero close).
    replace (/ h * (t + k) - / h * t) with (/ h * (t + k) + 0 - (/ h * t + 0)) by ring. exact near. }
  pose proof (growth_of_curves (fun t => weight t • (z t ⊖ y t))
    (fun t => (/ h * weight t) • ((z t ⊖ y t) ⊕ h • (f t (z t) ⊖ f t (y t)))) (/ h + mu) b forward) as growth.
  assert (0 <= / h + mu) as rate.
  { replace (/ h + mu) with (/ h * (1 + h * mu)) by (field; lra).
    apply Rmult_le_pos; [apply Rlt_le, Rinv_0_lt_compat|]; assumption. }
  specialize (growth rate). cbv beta in growth.
  assert (forall t, 0 < weight t) as weight_positive by (intro t; apply exp_pos).
  assert (‖weight b • (z b ⊖ y b)‖ <= exp ((/ h + mu) * b) * ‖weight 0 • (z 0 ⊖ y 0)‖) as weighted.
  { apply growth.
    - intros t inside.
      replace ((/ h * weight t) • ((z t ⊖ y t) ⊕ h • (f t (z t) ⊖ f t (y t))))
        with ((/ h * weight t) • (z t ⊖ y t) ⊕ weight t • (f t (z t) ⊖ f t (y t))).
      + apply (multiple_has_derivative weight (fun t => z t ⊖ y t)); [apply weight_slope|].
        apply difference_has_derivative; [apply of_z|apply of_y]; assumption.
      + set (zt := z t). set (yt := y t). set (fz := f t zt). set (fy := f t yt). set (g := weight t). vector.
    - intros t inside. rewrite !norm_scale, Rabs_mult.
      rewrite (Rabs_right (/ h)) by (apply Rle_ge, Rlt_le, Rinv_0_lt_compat; assumption).
      rewrite !(Rabs_right (weight t)) by (apply Rle_ge, Rlt_le, weight_positive).
      pose proof (Rmult_le_compat_l (/ h * weight t) _ _
        (Rmult_le_pos _ _ (Rlt_le _ _ (Rinv_0_lt_compat _ positive)) (Rlt_le _ _ (weight_positive t)))
        (contracts t inside)) as scaled.
      apply Rle_trans with (1 := scaled). right. field. lra. }
  rewrite !norm_scale, !(Rabs_right (weight _)) in weighted by (apply Rle_ge, Rlt_le, weight_positive).
  unfold weight in weighted. rewrite Rmult_0_r, exp_0, Rmult_1_l in weighted.
  apply Rmult_le_reg_l with (exp (/ h * b)); [apply exp_pos|]. apply Rle_trans with (1 := weighted).
  rewrite Rmult_plus_distr_r, exp_plus. right. ring.
Qed.

End AnyNorm.
