(** * Backward Euler

    Statement.   Two solutions of y_{n+1} = y_n + h f(t_{n+1}, y_{n+1}) grow apart at most by 1/(1 − hμ) in each step,
                 for every hμ < 1 and whatever K is; by 1/(1 − hK) from K alone, hK < 1. For μ ≤ 0 no distance grows,
                 for any h. The implicit equation has at most one solution. Both factors are attained.
    Assumptions. any inner product space, for the bound from K any normed space; h > 0; f(t, ·) has the one-sided
                 constant μ and hμ < 1, or is K-Lipschitz and hK < 1; the steps solve the equation exactly
    Source.      the paper's (16); theory, sections 1 and 3; Dekker and Verwer 1984
    Verdict.     proved for every h
    Theorems.    backward_step_from_one_sided, backward_growth_from_one_sided, backward_never_expands,
                 implicit_solution_is_unique, backward_growth_from_lipschitz, backward_growth_is_attained *)

From Coq Require Import Reals Lra Psatz QArith Qreals.
From NatrobProofs Require Import normed_space inner_product_space one_step_methods theorem_3_1 one_sided.
Open Scope R_scope.
Open Scope vector_scope.

(** ** The growth factor 1/(1 − x), of x = hμ or x = hK *)

Definition backward_euler_growth (x : R) : R := / (1 - x).

Definition backward_euler_growth_Q (x : Q) : Q := (/ (1 - x))%Q.

Lemma backward_euler_growth_rational : forall x : Q,
  (x < 1)%Q -> Q2R (backward_euler_growth_Q x) = backward_euler_growth (Q2R x).
Proof.
  intros x below. unfold backward_euler_growth_Q, backward_euler_growth.
  rewrite Q2R_inv, Q2R_minus.
  - replace (Q2R 1) with 1 by (unfold Q2R; simpl; field). reflexivity.
  - intro null. apply (Qlt_irrefl 1). setoid_replace 1%Q with x at 1; [exact below|].
    rewrite <- (Qplus_0_r x), <- null. ring.
Qed.

(** a(1 − x) ≤ b makes a ≤ b/(1 − x) *)
Lemma divide_by_room : forall a b x, x < 1 -> (1 - x) * a <= b -> a <= backward_euler_growth x * b.
Proof.
  intros a b x below product. unfold backward_euler_growth.
  apply Rmult_le_reg_l with (1 - x); [lra|]. rewrite <- Rmult_assoc, Rinv_r by lra. lra.
Qed.

Lemma backward_euler_growth_positive : forall x, x < 1 -> 0 < backward_euler_growth x.
Proof.
  intros x below. apply Rinv_0_lt_compat. lra.
Qed.

(** [after] solves the implicit equation of one step from [before]. *)
Definition backward_step {V : NormedSpace} (f : R -> V -> V) (t h : R) (before after : V) : Prop :=
  after = before ⊕ h • f t after.

(** y_0, y_1, … solves it in every step. *)
Definition backward_solution {V : NormedSpace} (f : R -> V -> V) (t0 h : R) (y : nat -> V) : Prop :=
  forall n, backward_step f (t0 + INR (S n) * h) h (y n) (y (S n)).

(** e' − hΔf' = e *)
Lemma difference_of_backward_steps : forall (V : NormedSpace) f t h (z y after_z after_y : V),
  backward_step f t h z after_z -> backward_step f t h y after_y ->
  (after_z ⊖ after_y) ⊖ h • (f t after_z ⊖ f t after_y) = z ⊖ y.
Proof.
  intros V f t h z y after_z after_y step_z step_y.
  unfold backward_step in *.
  set (p := f t after_z) in *. set (q := f t after_y) in *. clearbody p q. rewrite step_z, step_y. vector.
Qed.

(** ** From K, in any normed space *)

Section FromLipschitz.

Variable V : NormedSpace.

Theorem backward_step_from_lipschitz : forall f t h K (z y after_z after_y : V),
  0 < h -> lipschitz V f K -> h * K < 1 ->
  backward_step f t h z after_z -> backward_step f t h y after_y ->
  ‖after_z ⊖ after_y‖ <= backward_euler_growth (h * K) * ‖z ⊖ y‖.
Proof.
  intros f t h K z y after_z after_y positive constant room step_z step_y. apply divide_by_room; [assumption|].
  pose proof (difference_of_backward_steps V f t h z y after_z after_y step_z step_y) as before.
  pose proof (constant t after_z after_y) as slope.
  set (e := after_z ⊖ after_y) in *. set (d := f t after_z ⊖ f t after_y) in *.
  (* ‖e'‖ ≤ ‖e‖ + h‖Δf'‖ ≤ ‖e‖ + hK‖e'‖ *)
  assert (‖e‖ <= ‖z ⊖ y‖ + h * ‖d‖) as triangle.
  { replace (‖e‖) with (‖(z ⊖ y) ⊕ h • d‖) by (rewrite <- before; f_equal; vector).
    apply Rle_trans with (‖z ⊖ y‖ + ‖h • d‖); [apply norm_triangle|]. rewrite norm_scale, Rabs_right by lra. lra. }
  pose proof (Rmult_le_compat_l h _ _ (Rlt_le _ _ positive) slope). lra.
Qed.

Theorem backward_growth_from_lipschitz : forall f t0 h K (z y : nat -> V),
  0 < h -> lipschitz V f K -> h * K < 1 ->
  backward_solution f t0 h z -> backward_solution f t0 h y ->
  forall n, ‖z n ⊖ y n‖ <= backward_euler_growth (h * K) ^ n * ‖z O ⊖ y O‖.
Proof.
  intros f t0 h K z y positive constant room solves_z solves_y n. rewrite <- product_of_equal_factors.
  apply growth_along_a_pair.
  - intros _. apply Rlt_le, backward_euler_growth_positive, room.
  - intro m. apply backward_step_from_lipschitz with (f := f) (t := t0 + INR (S m) * h); auto.
Qed.

(** f = cy attains 1/(1 − hc), c = μ of either sign, or c = K. *)
Theorem backward_growth_is_attained : forall t0 h c (z y : nat -> V),
  0 < h -> h * c < 1 ->
  lipschitz V (fun _ u => c • u) (Rabs c) /\
  (backward_solution (fun _ u => c • u) t0 h z -> backward_solution (fun _ u => c • u) t0 h y ->
   forall n, ‖z n ⊖ y n‖ = backward_euler_growth (h * c) ^ n * ‖z O ⊖ y O‖).
Proof.
  intros t0 h c z y positive room. split.
  - intros t u v. replace (c • u ⊖ c • v) with (c • (u ⊖ v)) by vector. rewrite norm_scale. lra.
  - intros solves_z solves_y n. induction n as [|n step]; [simpl; ring|].
    pose proof (difference_of_backward_steps V _ _ _ _ _ _ _ (solves_z n) (solves_y n)) as before.
    cbv beta in before.
    (* (1 − hc)e' = e *)
    assert ((1 - h * c) • (z (S n) ⊖ y (S n)) = z n ⊖ y n) as scaled by (rewrite <- before; vector).
    simpl pow. rewrite Rmult_assoc, <- step, <- scaled, norm_scale, Rabs_right by lra.
    unfold backward_euler_growth. rewrite <- Rmult_assoc, Rinv_l by lra. ring.
Qed.

(** It has solutions: y_n = y_0/(1 − hc)^n. *)
Lemma backward_solution_of_multiple : forall t0 h c (start : V),
  h * c < 1 -> backward_solution (fun _ u => c • u) t0 h (fun n => backward_euler_growth (h * c) ^ n • start).
Proof.
  intros t0 h c start room n. unfold backward_step. simpl pow.
  set (g := backward_euler_growth (h * c)).
  assert (g = 1 + h * c * g) as fixed by (unfold g, backward_euler_growth; field; lra).
  rewrite fixed at 1. vector.
Qed.

End FromLipschitz.

(** ** From μ, in any inner product space *)

Section FromOneSided.

Variable E : InnerProductSpace.

(** (1 − hμ)‖e‖² ≤ ⟨e − hΔf, e⟩ ≤ ‖e − hΔf‖‖e‖, and ‖e‖ cancels. *)
Lemma implicit_step_inverse : forall f t h mu (z y : E),
  0 < h -> one_sided E f mu ->
  (1 - h * mu) * ‖z ⊖ y‖ <= ‖(z ⊖ y) ⊖ h • (f t z ⊖ f t y)‖.
Proof.
  intros f t h mu z y positive constant.
  pose proof (Rmult_le_compat_l h _ _ (Rlt_le _ _ positive) (constant t z y)) as slope.
  set (e := z ⊖ y) in *. set (d := f t z ⊖ f t y) in *.
  pose proof (cauchy_schwarz _ (e ⊖ h • d) e) as products.
  rewrite dot_add_left, dot_opposite_left, dot_scale_left, dot_is_norm_squared in products.
  destruct (norm_nonnegative _ e) as [more|null].
  - apply Rmult_le_reg_r with (‖e‖); [assumption|]. lra.
  - rewrite <- null, Rmult_0_r. apply norm_nonnegative.
Qed.

Theorem backward_step_from_one_sided : forall f t h mu (z y after_z after_y : E),
  0 < h -> one_sided E f mu -> h * mu < 1 ->
  backward_step f t h z after_z -> backward_step f t h y after_y ->
  ‖after_z ⊖ after_y‖ <= backward_euler_growth (h * mu) * ‖z ⊖ y‖.
Proof.
  intros f t h mu z y after_z after_y positive constant room step_z step_y. apply divide_by_room; [assumption|].
  rewrite <- (difference_of_backward_steps E f t h z y after_z after_y step_z step_y).
  apply implicit_step_inverse; assumption.
Qed.

Theorem backward_growth_from_one_sided : forall f t0 h mu (z y : nat -> E),
  0 < h -> one_sided E f mu -> h * mu < 1 ->
  backward_solution f t0 h z -> backward_solution f t0 h y ->
  forall n, ‖z n ⊖ y n‖ <= backward_euler_growth (h * mu) ^ n * ‖z O ⊖ y O‖.
Proof.
  intros f t0 h mu z y positive constant room solves_z solves_y n. rewrite <- product_of_equal_factors.
  apply growth_along_a_pair.
  - intros _. apply Rlt_le, backward_euler_growth_positive, room.
  - intro m. apply backward_step_from_one_sided with (f := f) (t := t0 + INR (S m) * h); auto.
Qed.

(** μ ≤ 0: 1/(1 − hμ) ≤ 1 for every h. *)
Theorem backward_never_expands : forall f t0 h mu (z y : nat -> E),
  0 < h -> mu <= 0 -> one_sided E f mu ->
  backward_solution f t0 h z -> backward_solution f t0 h y ->
  forall n, ‖z n ⊖ y n‖ <= ‖z O ⊖ y O‖.
Proof.
  intros f t0 h mu z y positive contractive constant solves_z solves_y n.
  pose proof (one_sided_grows E f mu 0 contractive constant) as none.
  pose proof (backward_growth_from_one_sided f t0 h 0 z y positive none ltac:(lra) solves_z solves_y n) as bound.
  unfold backward_euler_growth in bound. rewrite Rmult_0_r, Rminus_0_r, Rinv_1, pow1 in bound. lra.
Qed.

(** hμ < 1 and e = 0 leave e' = 0. *)
Theorem implicit_solution_is_unique : forall f t h mu (before one other : E),
  0 < h -> one_sided E f mu -> h * mu < 1 ->
  backward_step f t h before one -> backward_step f t h before other -> one = other.
Proof.
  intros f t h mu before one other positive constant room step_one step_other.
  pose proof (backward_step_from_one_sided f t h mu _ _ _ _ positive constant room step_one step_other) as bound.
  rewrite add_opposite, norm_zero, Rmult_0_r in bound.
  assert (one ⊖ other = zero) as same.
  { apply norm_separates. pose proof (norm_nonnegative _ (one ⊖ other)). lra. }
  replace one with ((one ⊖ other) ⊕ other) by vector. rewrite same. vector.
Qed.

(** The attaining field cy has the one-sided constant c. *)
Lemma one_sided_of_scaling : forall c, one_sided E (fun _ y => c • y) c.
Proof.
  intros c t z y. replace (c • z ⊖ c • y) with (c • (z ⊖ y)) by vector.
  rewrite dot_scale_left, dot_is_norm_squared. lra.
Qed.

End FromOneSided.
