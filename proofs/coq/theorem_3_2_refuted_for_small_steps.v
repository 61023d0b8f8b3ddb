(** * Theorem 3.2 of the paper with the Lipschitz constant of f, for small steps

    Statement.   For a one-step method and a K-Lipschitz f, if h is small enough, ‖z_N − y_N‖ ≤ e^{(b − t0)K} ‖ε‖. The
                 counterexample: dopri5, any step size with 0 < hK ≤ 1/2, any N ≥ 1, and f = K s(t) y with |s| ≤ 1,
                 where s is −1 at the stage whose weight is negative and 1 at the others. It multiplies every distance
                 by W(hK)^N > e^{NhK} with W(x) = 1 + (5579/3392)x + …, and 5579/3392 = Σ |b_i|.
    Assumptions. any normed space with a vector other than zero; the field depends on h, so nothing is said about one
                 field and h → 0
    Source.      the paper's Theorem 3.2; theory, section 2
    Verdict.     refuted with a counterexample
    Theorems.    dopri5_outgrows_the_exponential_at_small_steps, sign_following_field_is_lipschitz, step_growth *)

From Coq Require Import Reals Lra Lia QArith Qreals List.
From NatrobProofs Require Import normed_space one_step_methods theorem_3_1 butcher_tableau runge_kutta tableaus.
Import ListNotations.
Open Scope R_scope.
Open Scope vector_scope.

(** ** Fields that depend on the time through a factor *)

(** The slopes of f = K s(t) y over Ky: s(t + c_i h) (1 + x Σ a_ij factor_j) *)
Fixpoint timed_factors (s : R -> R) (t h x : R) (remaining : list (Q * list Q)) (known : list R) : list R :=
  match remaining with
  | [] => []
  | (node, row) :: rest =>
      let factor := s (t + Q2R node * h) * (1 + x * total Q2R row known) in
      factor :: timed_factors s t h x rest (known ++ [factor])
  end.

Section TimedField.

Variable V : NormedSpace.

Definition timed_field (K : R) (s : R -> R) (t : R) (u : V) : V := (K * s t) • u.

Lemma slopes_of_a_timed_field : forall K s t h (y : V) remaining factors,
  map snd (evaluations V (timed_field K s) t h y remaining (map (fun factor => (K * factor) • y) factors))
    = map (fun factor => (K * factor) • y) (timed_factors s t h (h * K) remaining factors).
Proof.
  intros K s t h y. induction remaining as [|[node row] rest step]; intro factors; [reflexivity|].
  cbn [evaluations timed_factors map snd]. rewrite combined_multiples.
  set (sign := s (t + Q2R node * h)).
  assert (timed_field K s (t + Q2R node * h) (y ⊕ h • ((K * total Q2R row factors) • y))
    = (K * (sign * (1 + h * K * total Q2R row factors))) • y) as slope by (unfold timed_field; fold sign; vector).
  rewrite slope. f_equal. rewrite <- step, map_app. reflexivity.
Qed.

Lemma step_of_a_timed_field : forall tableau K s t h (y : V),
  runge_kutta_step V tableau (timed_field K s) t h y
    = (1 + h * K * total Q2R (weights tableau) (timed_factors s t h (h * K) (stages tableau) [])) • y.
Proof.
  intros tableau K s t h y. unfold runge_kutta_step, increment.
  pose proof (slopes_of_a_timed_field K s t h y (stages tableau) []) as slopes. cbn [map] in slopes.
  rewrite slopes, combined_multiples. vector.
Qed.

End TimedField.

(** ** The sign that follows the weights of dopri5 *)

(** Of period h; −1 at t = (n + 8/9)h, from there it rises on both sides to 1 at a distance of (4/45)h, and stays. *)
Definition following_sign (h t : R) : R := Rmin 1 (45 / 2 * Rabs (frac_part (t / h) - 8 / 9) - 1).

Lemma following_sign_at_most_one : forall h t, Rabs (following_sign h t) <= 1.
Proof.
  intros h t. unfold following_sign. pose proof (Rabs_pos (frac_part (t / h) - 8 / 9)).
  apply Rabs_le. split; [|apply Rmin_l]. apply Rmin_glb; lra.
Qed.

Lemma frac_part_of_a_node : forall n c, 0 <= c < 1 -> frac_part (INR n + c) = c.
Proof.
  intros n c within. unfold frac_part, Int_part.
  assert (up (INR n + c) = Z.of_nat n + 1)%Z as integer.
  { symmetry. apply tech_up; rewrite plus_IZR, <- INR_IZR_INZ; lra. }
  rewrite integer, minus_IZR, plus_IZR, <- INR_IZR_INZ. lra.
Qed.

(** Its values at the stages: t_n + ch is n + c in units of h. *)
Lemma following_sign_at_a_node : forall h n c, 0 < h -> 0 <= c < 1 ->
  following_sign h (0 + INR n * h + c * h) = Rmin 1 (45 / 2 * Rabs (c - 8 / 9) - 1).
Proof.
  intros h n c positive within. unfold following_sign.
  replace ((0 + INR n * h + c * h) / h) with (INR n + c) by (field; lra).
  rewrite frac_part_of_a_node by assumption. reflexivity.
Qed.

Lemma following_sign_elsewhere : forall h n c, 0 < h -> 0 <= c <= 4 / 5 ->
  following_sign h (0 + INR n * h + c * h) = 1.
Proof.
  intros h n c positive within. rewrite following_sign_at_a_node by lra.
  rewrite Rabs_left by lra. apply Rmin_left. lra.
Qed.

Lemma following_sign_at_the_negative_weight : forall h n, 0 < h ->
  following_sign h (0 + INR n * h + 8 / 9 * h) = -1.
Proof.
  intros h n positive. rewrite following_sign_at_a_node by lra.
  replace (8 / 9 - 8 / 9) with 0 by lra. rewrite Rabs_R0, Rmin_right; lra.
Qed.

Lemma following_sign_at_the_end : forall h n, 0 < h -> following_sign h (0 + INR n * h + 1 * h) = 1.
Proof.
  intros h n positive. replace (0 + INR n * h + 1 * h) with (0 + INR (S n) * h + 0 * h) by (rewrite S_INR; ring).
  apply following_sign_elsewhere; lra.
Qed.

(** ** One step *)

(** W(x) *)
Definition witness_growth (x : R) : R :=
  1 + 5579 / 3392 * x + 3883 / 3392 * x ^ 2 + 617 / 1272 * x ^ 3 + 469 / 1590 * x ^ 4 + x ^ 5 / 300 - x ^ 6 / 600.

Theorem step_growth : forall (V : NormedSpace) K h n (y : V), 0 < h ->
  runge_kutta_step V dopri5 (timed_field V K (following_sign h)) (0 + INR n * h) h y = witness_growth (h * K) • y.
Proof.
  intros V K h n y positive. rewrite step_of_a_timed_field. f_equal.
  generalize (h * K). intro x. unfold witness_growth. cbn [stages weights dopri5 timed_factors app].
  (* the sign at every stage *)
  replace (Q2R 0) with 0 by (unfold Q2R; simpl; lra). replace (Q2R (1 # 5)) with (1 / 5) by (unfold Q2R; simpl; lra).
  replace (Q2R (3 # 10)) with (3 / 10) by (unfold Q2R; simpl; lra).
  replace (Q2R (4 # 5)) with (4 / 5) by (unfold Q2R; simpl; lra).
  replace (Q2R (8 # 9)) with (8 / 9) by (unfold Q2R; simpl; lra).
  replace (Q2R 1) with 1 by (unfold Q2R; simpl; lra).
  rewrite !following_sign_elsewhere, following_sign_at_the_negative_weight, !following_sign_at_the_end by lra.
  cbn [total]. unfold Q2R. simpl. field.
Qed.

(** W(x) > e^x for 0 < x ≤ 1/2: W(x) ≥ 1 + (8/5)x + x², and e^x ≤ 1/(1 − x). *)
Lemma witness_growth_above_exponential : forall x, 0 < x <= 1 / 2 -> exp x < witness_growth x.
Proof.
  intros x [positive small].
  assert (forall k, 0 <= x ^ k) as powers by (intro k; apply pow_le; lra).
  assert (1 + 8 / 5 * x + x ^ 2 <= witness_growth x) as below.
  { unfold witness_growth. assert (x ^ 6 = x ^ 4 * x ^ 2) as split by ring.
    assert (x ^ 2 <= 1) by nra. assert (x ^ 6 <= x ^ 4) by (rewrite split; pose proof (powers 4%nat); nra).
    pose proof (powers 2%nat). pose proof (powers 3%nat). pose proof (powers 4%nat). pose proof (powers 5%nat). lra. }
  apply Rlt_le_trans with (2 := below).
  pose proof (exp_ineq1_le (- x)) as inverse.
  assert (exp x * exp (- x) = 1) as one by (rewrite <- exp_plus; replace (x + - x) with 0 by ring; apply exp_0).
  pose proof (exp_pos x) as exponential.
  assert (exp x * (1 - x) <= 1) as upper.
  { rewrite <- one. apply Rmult_le_compat_l; lra. }
  apply Rmult_lt_reg_r with (1 - x); [lra|]. apply Rle_lt_trans with (1 := upper). simpl. nra.
Qed.

(** ** Many steps *)

Lemma sign_following_field_is_lipschitz : forall (V : NormedSpace) K h, 0 <= K ->
  lipschitz V (timed_field V K (following_sign h)) K.
Proof.
  intros V K h nonnegative t z y. unfold timed_field. set (s := following_sign h t).
  replace ((K * s) • z ⊖ (K * s) • y) with ((K * s) • (z ⊖ y)) by vector.
  rewrite norm_scale, Rabs_mult, (Rabs_right K) by lra.
  apply Rmult_le_compat_r; [apply norm_nonnegative|].
  pose proof (Rmult_le_compat_l K _ _ nonnegative (following_sign_at_most_one h t)) as bounded.
  fold s in bounded. lra.
Qed.

Theorem dopri5_outgrows_the_exponential_at_small_steps : forall (V : NormedSpace) K h N (y epsilon : V),
  epsilon <> zero -> 0 < h -> 0 < h * K <= 1 / 2 -> (0 < N)%nat ->
  let step := equal_step V dopri5 (timed_field V K (following_sign h)) 0 h in
  exp (INR N * h * K) * ‖epsilon‖ < ‖solution V step (y ⊕ epsilon) N ⊖ solution V step y N‖.
Proof.
  intros V K h N y epsilon perturbed positive small some step.
  pose proof (witness_growth_above_exponential (h * K) small) as one_step.
  pose proof (exp_pos (h * K)) as exponential.
  set (W := witness_growth (h * K)) in *.
  (* every step is multiplication by W *)
  assert (forall n start, solution V step start n = W ^ n • start) as powers.
  { intros n start. induction n as [|n before]; simpl; [rewrite scale_one; reflexivity|].
    rewrite before. unfold step at 1, equal_step. rewrite step_growth by assumption. fold W. vector. }
  rewrite !powers. replace (W ^ N • (y ⊕ epsilon) ⊖ W ^ N • y) with (W ^ N • epsilon) by vector.
  rewrite norm_scale, Rabs_right by (apply Rle_ge; apply pow_le; lra).
  apply Rmult_lt_compat_r.
  - destruct (norm_nonnegative V epsilon) as [apart|null]; [exact apart|].
    contradiction perturbed. apply norm_separates. symmetry. exact null.
  - (* e^{NhK} = (e^{hK})^N < W^N *)
    clear step powers. induction N as [|N before]; [lia|].
    replace (INR (S N) * h * K) with (h * K + INR N * h * K) by (rewrite S_INR; ring).
    rewrite exp_plus. change (W ^ S N) with (W * W ^ N).
    destruct N as [|N].
    + simpl. rewrite !Rmult_0_l, exp_0. lra.
    + apply Rmult_le_0_lt_compat; [lra|left; apply exp_pos|exact one_step|apply before; lia].
Qed.
