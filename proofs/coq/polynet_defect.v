(** * PolyNet against backward Euler

    Statement.   I + hF + (hF)² + … is the inverse of I − hF: where z = y + hF(z) is the step of backward Euler, the
                 step of PolyNet of order m from y misses it by (hF)^{m+1} z, at most x^{m+1}/(1 − x) ‖y‖, x = hK; order
                 2: x³/(1 − x) ‖y‖. F = Ky attains this. For F that is not linear the claim fails: on a constant field
                 F = c, which has K = 0, the step of order 2 misses by hc.
    Assumptions. any normed space; h ≥ 0; K ≥ 0; hK < 1; f(t, ·) is linear and K-Lipschitz; the step of backward Euler
                 is given by its equation
    Source.      the paper's (16) to (18); theory, section 2
    Verdict.     proved only for linear f
    Theorems.    polynet_defect, polynet_defect_bound, polynet_defect_of_order_2, polynet_defect_is_attained,
                 defect_of_a_constant_field *)

From Coq Require Import Reals Lra Lia.
From NatrobProofs Require Import normed_space theorem_3_1 polynet.
Open Scope R_scope.
Open Scope vector_scope.

Section PolyNetDefect.

Variable V : NormedSpace.

Definition linear (f : R -> V -> V) : Prop :=
  forall t, (forall u v, f t (u ⊕ v) = f t u ⊕ f t v) /\ (forall a u, f t (a • u) = a • f t u).

(** The step z of backward Euler from y *)
Definition backward_euler_solution (f : R -> V -> V) (t h : R) (y z : V) : Prop := z = y ⊕ h • f t z.

(** For linear f the terms of PolyNet are the powers (hF)^k y, so differences go through them. *)
Lemma term_of_difference : forall f t h, linear f ->
  forall z y k, term V f t h z k ⊖ term V f t h y k = term V f t h (z ⊖ y) k.
Proof.
  intros f t h linearity z y k. destruct (linearity t) as [additive homogeneous].
  induction k as [|k step]; simpl; [reflexivity|].
  rewrite <- step, additive, (opposite_is_scale V (term V f t h y k)), homogeneous. vector.
Qed.

(** (hF)^k (hF y) = (hF)^{k+1} y *)
Lemma term_from_the_first : forall f t h y k, term V f t h (h • f t y) k = term V f t h y (S k).
Proof.
  intros f t h y k. induction k as [|k step]; [reflexivity|]. simpl in *. rewrite step. reflexivity.
Qed.

(** The defect is exactly (hF)^{m+1} z. *)
Theorem polynet_defect : forall order f t h y z,
  linear f -> backward_euler_solution f t h y z ->
  z ⊖ polynet_step V order f t h y = term V f t h z (S order).
Proof.
  intros order f t h y z linearity implicit. unfold backward_euler_solution in implicit.
  assert (z ⊖ y = h • f t z) as difference by (rewrite implicit at 1; vector).
  induction order as [|order step]; [exact difference|].
  change (polynet_step V (S order) f t h y) with (polynet_step V order f t h y ⊕ term V f t h y (S order)).
  (* z − S_{m+1} = (hF)^{m+1} z − (hF)^{m+1} y = (hF)^{m+1} (hF z) *)
  replace (z ⊖ (polynet_step V order f t h y ⊕ term V f t h y (S order)))
    with ((z ⊖ polynet_step V order f t h y) ⊖ term V f t h y (S order)) by vector.
  rewrite step, term_of_difference, difference by assumption. apply term_from_the_first.
Qed.

(** ‖z‖ ≤ ‖y‖/(1 − x) *)
Lemma backward_euler_solution_bound : forall f t h K y z,
  0 <= h -> h * K < 1 -> linear f -> lipschitz V f K -> backward_euler_solution f t h y z ->
  ‖z‖ <= ‖y‖ / (1 - h * K).
Proof.
  intros f t h K y z forward small linearity constant implicit.
  destruct (linearity t) as [_ homogeneous].
  (* F(0) = 0, so ‖F(z)‖ ≤ K ‖z‖ *)
  assert (f t zero = zero) as fixed by (rewrite <- (scale_zero V zero), homogeneous, !scale_zero; reflexivity).
  pose proof (constant t z zero) as at_zero. rewrite fixed in at_zero.
  replace (f t z ⊖ zero) with (f t z) in at_zero by vector. replace (z ⊖ zero) with z in at_zero by vector.
  (* ‖z‖ ≤ ‖y‖ + hK ‖z‖ *)
  assert (‖z‖ <= ‖y‖ + ‖h • f t z‖) as triangle.
  { unfold backward_euler_solution in implicit. rewrite implicit at 1. apply norm_triangle. }
  rewrite norm_scale, Rabs_right in triangle by lra.
  pose proof (Rmult_le_compat_l h _ _ forward at_zero) as scaled.
  apply Rmult_le_reg_r with (1 - h * K); [lra|].
  replace (‖y‖ / (1 - h * K) * (1 - h * K)) with (‖y‖) by (field; lra). lra.
Qed.

Theorem polynet_defect_bound : forall order f t h K y z,
  0 <= h -> 0 <= K -> h * K < 1 -> linear f -> lipschitz V f K -> backward_euler_solution f t h y z ->
  ‖z ⊖ polynet_step V order f t h y‖ <= (h * K) ^ S order / (1 - h * K) * ‖y‖.
Proof.
  intros order f t h K y z forward nonnegative small linearity constant implicit.
  destruct (linearity t) as [_ homogeneous].
  assert (0 <= h * K) as x_nonnegative by (apply Rmult_le_pos; assumption).
  rewrite (polynet_defect order f t h y z linearity implicit).
  (* ‖(hF)^{m+1} z‖ ≤ x^{m+1} ‖z‖: the terms of z against those of 0 *)
  assert (forall k, term V f t h zero k = zero) as null.
  { induction k as [|k step]; simpl; [reflexivity|].
    rewrite step, <- (scale_zero V zero), homogeneous, !scale_zero. apply scale_of_zero. }
  pose proof (term_difference V (S order) f t h K z zero forward nonnegative
    (fun k _ => constant t _ _) (S order) (Nat.le_refl _)) as powers.
  rewrite null in powers. replace (term V f t h z (S order) ⊖ zero) with (term V f t h z (S order)) in powers by vector.
  replace (z ⊖ zero) with z in powers by vector.
  apply Rle_trans with (1 := powers).
  pose proof (backward_euler_solution_bound f t h K y z forward small linearity constant implicit) as bounded.
  apply Rle_trans with ((h * K) ^ S order * (‖y‖ / (1 - h * K))).
  - apply Rmult_le_compat_l; [apply pow_le; assumption|exact bounded].
  - right. field. lra.
Qed.

Corollary polynet_defect_of_order_2 : forall f t h K y z,
  0 <= h -> 0 <= K -> h * K < 1 -> linear f -> lipschitz V f K -> backward_euler_solution f t h y z ->
  ‖z ⊖ polynet_step V 2 f t h y‖ <= (h * K) ^ 3 / (1 - h * K) * ‖y‖.
Proof.
  intros f t h K y z. apply (polynet_defect_bound 2).
Qed.

(** F = Ky attains the bound. *)
Theorem polynet_defect_is_attained : forall order t h K y z,
  0 <= h -> 0 <= K -> h * K < 1 -> backward_euler_solution (fun _ u => K • u) t h y z ->
  ‖z ⊖ polynet_step V order (fun _ u => K • u) t h y‖ = (h * K) ^ S order / (1 - h * K) * ‖y‖.
Proof.
  intros order t h K y z forward nonnegative small implicit.
  assert (0 <= h * K) as x_nonnegative by (apply Rmult_le_pos; assumption).
  assert (linear (fun _ u => K • u)) as linearity by (intro s; split; intros; vector).
  rewrite (polynet_defect order _ t h y z linearity implicit), terms_of_a_multiple, norm_scale.
  rewrite Rabs_right by (apply Rle_ge; apply pow_le; assumption).
  (* z = y/(1 − x) *)
  unfold backward_euler_solution in implicit.
  assert (y = (1 - h * K) • z) as start.
  { replace y with ((y ⊕ h • (K • z)) ⊖ h • (K • z)) by vector. rewrite <- implicit. vector. }
  rewrite start, norm_scale, (Rabs_right (1 - h * K)) by lra. field. lra.
Qed.

(** A constant field has the Lipschitz constant 0, so the bound would be 0; PolyNet adds hc twice. *)
Theorem defect_of_a_constant_field : forall t h (c y z : V),
  backward_euler_solution (fun _ _ => c) t h y z ->
  lipschitz V (fun _ _ => c) 0 /\ polynet_step V 2 (fun _ _ => c) t h y ⊖ z = h • c.
Proof.
  intros t h c y z implicit. split.
  - intros s u v. rewrite add_opposite, norm_zero. lra.
  - unfold backward_euler_solution in implicit. rewrite implicit. simpl. vector.
Qed.

End PolyNetDefect.
