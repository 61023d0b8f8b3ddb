(** * RevNet's coupling

    Statement.   For a' = a + h f1(t, b), b' = b + h f2(t, a') the pair (‖Δa‖, ‖Δb‖) grows entrywise at most by
                 M = [[1, α], [β, 1 + αβ]], α = hK1, β = hK2; n steps by the product of their matrices, so
                 ‖(Δa, Δb)‖ by the spectral norm of that product, which is at most the product of the spectral norms;
                 linear couplings attain it; the step has an exact inverse.
    Assumptions. any two normed spaces; h ≥ 0; f1(t, ·) is K1-Lipschitz and f2(t, ·) is K2-Lipschitz; K1, K2 ≥ 0;
                 steps may have their own α_n, β_n; for attainment, a vector of norm 1
    Source.      the paper's (21); theory, section 1
    Verdict.     proved for every h
    Theorems.    one_coupling_step, coupling_steps, growth_of_the_pair, product_below_product_of_norms,
                 inverse_undoes_step, step_undoes_inverse, linear_coupling_attains, coupling_product_over_Q *)

From Coq Require Import Reals Lra Psatz Lia QArith Qreals List.
From NatrobProofs Require Import normed_space one_step_methods lipschitz_maps pair_space spectral_norm_two_by_two.
Import ListNotations.
Open Scope R_scope.
Open Scope vector_scope.

(** ** The matrix of a step, and products of them *)

(** What one step does to (‖Δa‖, ‖Δb‖). *)
Definition coupling (alpha beta : R) : Matrix := matrix 1 alpha beta (1 + alpha * beta).

(** M_{n−1} ⋯ M_1 M_0 *)
Fixpoint coupling_product (alpha beta : nat -> R) (n : nat) : Matrix :=
  match n with
  | O => identity_matrix
  | S before => multiply (coupling (alpha before) (beta before)) (coupling_product alpha beta before)
  end.

Lemma identity_rows : forall u v, upper_row identity_matrix u v = u /\ lower_row identity_matrix u v = v.
Proof.
  intros u v. unfold upper_row, lower_row. simpl. split; ring.
Qed.

Theorem product_below_product_of_norms : forall alpha beta n,
  spectral_norm (coupling_product alpha beta n)
    <= product (fun m => spectral_norm (coupling (alpha m) (beta m))) n.
Proof.
  intros alpha beta n. induction n as [|n step]; simpl.
  - apply spectral_norm_is_least. intros u v. unfold norm_of_image.
    destruct (identity_rows u v) as [upper lower]. rewrite upper, lower. lra.
  - eapply Rle_trans; [apply norm_of_product|].
    apply Rmult_le_compat_l; [apply spectral_norm_nonnegative|assumption].
Qed.

(** Products of nonnegative factors have nonnegative entries, so they preserve inequalities. *)
Lemma coupling_monotone : forall alpha beta u v x y, 0 <= alpha -> 0 <= beta -> u <= x -> v <= y ->
  upper_row (coupling alpha beta) u v <= upper_row (coupling alpha beta) x y /\
  lower_row (coupling alpha beta) u v <= lower_row (coupling alpha beta) x y.
Proof.
  intros alpha beta u v x y alpha_nonnegative beta_nonnegative first second.
  unfold upper_row, lower_row. simpl.
  assert (0 <= alpha * beta) by (apply Rmult_le_pos; assumption).
  split; apply Rplus_le_compat; apply Rmult_le_compat_l; lra.
Qed.

(** ** The step *)

Section Coupling.

Variables V W : NormedSpace.

Definition coupling_step (f1 : R -> W -> V) (f2 : R -> V -> W) (t h : R) (state : pair_space V W) : pair_space V W :=
  let moved := fst state ⊕ h • f1 t (snd state) in (moved, snd state ⊕ h • f2 t moved).

Definition inverse_coupling_step (f1 : R -> W -> V) (f2 : R -> V -> W) (t h : R) (state : pair_space V W)
    : pair_space V W :=
  let back := snd state ⊖ h • f2 t (fst state) in (fst state ⊖ h • f1 t back, back).

(** No property of f1 and f2 is needed. *)
Theorem inverse_undoes_step : forall f1 f2 t h state,
  inverse_coupling_step f1 f2 t h (coupling_step f1 f2 t h state) = state.
Proof.
  intros f1 f2 t h [a b]. unfold inverse_coupling_step, coupling_step. simpl.
  set (moved := a ⊕ h • f1 t b).
  replace ((b ⊕ h • f2 t moved) ⊖ h • f2 t moved) with b by vector.
  f_equal. unfold moved. vector.
Qed.

Theorem step_undoes_inverse : forall f1 f2 t h state,
  coupling_step f1 f2 t h (inverse_coupling_step f1 f2 t h state) = state.
Proof.
  intros f1 f2 t h [a b]. unfold inverse_coupling_step, coupling_step. simpl.
  set (back := b ⊖ h • f2 t a).
  replace ((a ⊖ h • f1 t back) ⊕ h • f1 t back) with a by vector.
  f_equal. unfold back. vector.
Qed.

(** What f1 or f2 adds to one half. *)
Lemma half_step : forall (X Y : NormedSpace) (f : X -> Y) K h x1 x2 y1 y2, 0 <= h -> lipschitz_map f K ->
  ‖(y1 ⊕ h • f x1) ⊖ (y2 ⊕ h • f x2)‖ <= ‖y1 ⊖ y2‖ + h * K * ‖x1 ⊖ x2‖.
Proof.
  intros X Y f K h x1 x2 y1 y2 nonnegative constant.
  replace ((y1 ⊕ h • f x1) ⊖ (y2 ⊕ h • f x2)) with ((y1 ⊖ y2) ⊕ h • (f x1 ⊖ f x2)) by vector.
  eapply Rle_trans; [apply norm_triangle|].
  rewrite norm_scale, Rabs_pos_eq, Rmult_assoc by assumption.
  apply Rplus_le_compat_l, Rmult_le_compat_l; [assumption|apply constant].
Qed.

Theorem one_coupling_step : forall f1 f2 K1 K2 t h z y,
  0 <= h -> 0 <= K2 -> lipschitz_map (f1 t) K1 -> lipschitz_map (f2 t) K2 ->
  let M := coupling (h * K1) (h * K2) in
  let after := coupling_step f1 f2 t h z ⊖ coupling_step f1 f2 t h y in
  ‖fst after‖ <= upper_row M (‖fst (z ⊖ y)‖) (‖snd (z ⊖ y)‖) /\
  ‖snd after‖ <= lower_row M (‖fst (z ⊖ y)‖) (‖snd (z ⊖ y)‖).
Proof.
  intros f1 f2 K1 K2 t h [za zb] [ya yb] h_nonnegative K2_nonnegative first second.
  unfold upper_row, lower_row, coupling_step. simpl.
  assert (0 <= h * K2) as beta_nonnegative by (apply Rmult_le_pos; assumption).
  (* ‖Δa'‖ ≤ ‖Δa‖ + α‖Δb‖ *)
  pose proof (half_step W V (f1 t) K1 h zb yb za ya h_nonnegative first) as moved.
  split; [lra|].
  (* ‖Δb'‖ ≤ ‖Δb‖ + β‖Δa'‖ *)
  eapply Rle_trans; [apply half_step; eassumption|].
  pose proof (Rmult_le_compat_l _ _ _ beta_nonnegative moved). lra.
Qed.

(** n steps with fields, step sizes and constants of their own *)
Section Steps.

Variables (f1 : nat -> R -> W -> V) (f2 : nat -> R -> V -> W) (t h K1 K2 : nat -> R).

Hypothesis h_nonnegative : forall n, 0 <= h n.
Hypothesis K1_nonnegative : forall n, 0 <= K1 n.
Hypothesis K2_nonnegative : forall n, 0 <= K2 n.
Hypothesis constant1 : forall n, lipschitz_map (f1 n (t n)) (K1 n).
Hypothesis constant2 : forall n, lipschitz_map (f2 n (t n)) (K2 n).

Let step (n : nat) : pair_space V W -> pair_space V W := coupling_step (f1 n) (f2 n) (t n) (h n).
Let P (n : nat) : Matrix := coupling_product (fun m => h m * K1 m) (fun m => h m * K2 m) n.

Theorem coupling_steps : forall z y n,
  let after := solution _ step z n ⊖ solution _ step y n in
  ‖fst after‖ <= upper_row (P n) (‖fst (z ⊖ y)‖) (‖snd (z ⊖ y)‖) /\
  ‖snd after‖ <= lower_row (P n) (‖fst (z ⊖ y)‖) (‖snd (z ⊖ y)‖).
Proof.
  intros z y n. induction n as [|n [first second]].
  - destruct (identity_rows (‖fst (z ⊖ y)‖) (‖snd (z ⊖ y)‖)) as [upper lower].
    unfold P, coupling_product. rewrite upper, lower. split; apply Rle_refl.
  - unfold P. simpl coupling_product. fold (P n).
    destruct (multiply_rows (coupling (h n * K1 n) (h n * K2 n)) (P n) (‖fst (z ⊖ y)‖) (‖snd (z ⊖ y)‖))
      as [upper lower].
    rewrite upper, lower.
    destruct (one_coupling_step (f1 n) (f2 n) (K1 n) (K2 n) (t n) (h n)
      (solution _ step z n) (solution _ step y n)) as [one other]; auto.
    destruct (coupling_monotone (h n * K1 n) (h n * K2 n) _ _ _ _
      (Rmult_le_pos _ _ (h_nonnegative n) (K1_nonnegative n))
      (Rmult_le_pos _ _ (h_nonnegative n) (K2_nonnegative n)) first second) as [above below].
    split; eapply Rle_trans; [exact one|exact above|exact other|exact below].
Qed.

(** In the 2-norm of the pair every bound L of the spectral norm of the product bounds the growth … *)
Theorem growth_by_any_bound : forall L n, bounds_matrix (P n) L ->
  forall z y, ‖solution _ step z n ⊖ solution _ step y n‖ <= L * ‖z ⊖ y‖.
Proof.
  intros L n bound z y. destruct (coupling_steps z y n) as [upper lower].
  apply Rle_trans with (norm_of_image (P n) (‖fst (z ⊖ y)‖) (‖snd (z ⊖ y)‖)); [|apply bound].
  apply norm2_monotone; split; try apply norm_nonnegative; assumption.
Qed.

(** … the spectral norm itself among them. *)
Theorem growth_of_the_pair : forall z y n,
  ‖solution _ step z n ⊖ solution _ step y n‖ <= spectral_norm (P n) * ‖z ⊖ y‖.
Proof.
  intros z y n. apply growth_by_any_bound, spectral_norm_is_a_bound.
Qed.

End Steps.

End Coupling.

(** ** Linear couplings attain the bound

    V = W, f1 = K1 b, f2 = K2 a. Along one unit vector e the state (u e, v e) is multiplied by the matrix. *)

Section Attained.

Variable V : NormedSpace.

Variables h K1 K2 : nat -> R.

Let step (n : nat) : pair_space V V -> pair_space V V :=
  coupling_step V V (fun _ b => K1 n • b) (fun _ a => K2 n • a) 0 (h n).
Let P (n : nat) : Matrix := coupling_product (fun m => h m * K1 m) (fun m => h m * K2 m) n.

Lemma multiplication_is_lipschitz : forall n, 0 <= K1 n -> lipschitz_map (fun b : V => K1 n • b) (K1 n).
Proof.
  intros n nonnegative z y. replace (K1 n • z ⊖ K1 n • y) with (K1 n • (z ⊖ y)) by vector.
  rewrite norm_scale, Rabs_pos_eq by assumption. apply Rle_refl.
Qed.

Lemma solution_on_a_line : forall e u v n,
  solution _ step (u • e, v • e) n = (upper_row (P n) u v • e, lower_row (P n) u v • e).
Proof.
  intros e u v n. induction n as [|n before].
  - destruct (identity_rows u v) as [upper lower]. unfold P, coupling_product. rewrite upper, lower. reflexivity.
  - change (solution _ step (u • e, v • e) (S n)) with (step n (solution _ step (u • e, v • e) n)). rewrite before.
    unfold P. simpl coupling_product. fold (P n).
    destruct (multiply_rows (coupling (h n * K1 n) (h n * K2 n)) (P n) u v) as [upper lower].
    rewrite upper, lower. generalize (upper_row (P n) u v) (lower_row (P n) u v). intros x w.
    unfold step, coupling_step, upper_row, lower_row. simpl. f_equal; vector.
Qed.

(** Two different starts whose distance grows by exactly the spectral norm of the product. *)
Theorem linear_coupling_attains : forall (e : V), ‖e‖ = 1 -> forall n, exists z y : pair_space V V,
  0 < ‖z ⊖ y‖ /\ ‖solution _ step z n ⊖ solution _ step y n‖ = spectral_norm (P n) * ‖z ⊖ y‖.
Proof.
  intros e unit n. destruct (spectral_norm_is_attained (P n)) as [u [v [positive attained]]].
  assert (forall x w, ‖((x • e, w • e) : pair_space V V)‖ = norm2 x w) as norm_on_line.
  { intros x w. rewrite pair_norm_is_norm2, !norm_scale, unit, !Rmult_1_r. unfold norm2.
    rewrite <- !Rabs_mult, !Rabs_pos_eq by nra. reflexivity. }
  exists (u • e, v • e), (0 • e, 0 • e).
  rewrite !solution_on_a_line.
  assert (upper_row (P n) 0 0 = 0) as upper by (unfold upper_row; ring).
  assert (lower_row (P n) 0 0 = 0) as lower by (unfold lower_row; ring).
  rewrite upper, lower, !pair_difference. simpl.
  replace (u • e ⊖ 0 • e) with (u • e) by vector.
  replace (v • e ⊖ 0 • e) with (v • e) by vector.
  replace (upper_row (P n) u v • e ⊖ 0 • e) with (upper_row (P n) u v • e) by vector.
  replace (lower_row (P n) u v • e ⊖ 0 • e) with (lower_row (P n) u v • e) by vector.
  pose proof (norm_on_line u v) as start.
  pose proof (norm_on_line (upper_row (P n) u v) (lower_row (P n) u v)) as after.
  simpl in start, after. rewrite start, after. split; assumption.
Qed.

End Attained.

(** ** The product over Q

    The entries, row by row, of the product for a list of (α, β), the first step first. *)

Open Scope Q_scope.

Definition multiply_coupling_Q (factors : Q * Q) (rows : Q * Q * Q * Q) : Q * Q * Q * Q :=
  let '(alpha, beta) := factors in
  let '(p, q, r, s) := rows in
  let upper_left := Qred (p + alpha * r) in
  let upper_right := Qred (q + alpha * s) in
  (upper_left, upper_right, Qred (r + beta * upper_left), Qred (s + beta * upper_right)).

Definition coupling_product_Q (factors : list (Q * Q)) : Q * Q * Q * Q :=
  fold_left (fun rows factor => multiply_coupling_Q factor rows) factors (1, 0, 0, 1).

Open Scope R_scope.

Definition matrix_of_Q (rows : Q * Q * Q * Q) : Matrix :=
  let '(p, q, r, s) := rows in matrix (Q2R p) (Q2R q) (Q2R r) (Q2R s).

Lemma Q2R_reduced : forall x, Q2R (Qred x) = Q2R x.
Proof.
  intro x. apply Qeq_eqR, Qred_correct.
Qed.

Lemma coupling_product_extends : forall alpha beta gamma delta n,
  (forall m, (m < n)%nat -> alpha m = gamma m /\ beta m = delta m) ->
  coupling_product alpha beta n = coupling_product gamma delta n.
Proof.
  intros alpha beta gamma delta n same. induction n as [|n step]; simpl; [reflexivity|].
  destruct (same n) as [first second]; [lia|]. rewrite first, second, step; [reflexivity|].
  intros m before. apply same. lia.
Qed.

Theorem coupling_product_over_Q : forall factors : list (Q * Q),
  matrix_of_Q (coupling_product_Q factors)
    = coupling_product (fun n => Q2R (fst (nth n factors (0%Q, 0%Q)))) (fun n => Q2R (snd (nth n factors (0%Q, 0%Q))))
        (length factors).
Proof.
  intro factors. induction factors as [|[alpha beta] factors before] using rev_ind.
  - change (matrix (Q2R 1) (Q2R 0) (Q2R 0) (Q2R 1) = matrix 1 0 0 1).
    assert (Q2R 1 = 1) as one by (unfold Q2R; simpl; lra). assert (Q2R 0 = 0) as null by (unfold Q2R; simpl; lra).
    rewrite one, null. reflexivity.
  - rewrite last_length. simpl coupling_product.
    rewrite (coupling_product_extends _ _ (fun n => Q2R (fst (nth n factors (0%Q, 0%Q))))
      (fun n => Q2R (snd (nth n factors (0%Q, 0%Q))))).
    2: { intros m within. rewrite app_nth1 by assumption. split; reflexivity. }
    rewrite <- before, app_nth2, Nat.sub_diag by lia.
    unfold coupling_product_Q. rewrite fold_left_app. cbn [fold_left].
    destruct (fold_left _ factors _) as [[[p q] r] s].
    cbn [nth fst snd matrix_of_Q multiply_coupling_Q].
    unfold multiply, coupling, upper_row, lower_row. cbn [upper_left upper_right lower_left lower_right].
    rewrite !Q2R_reduced, !Q2R_plus, !Q2R_mult, !Q2R_reduced, !Q2R_plus, !Q2R_mult. f_equal; ring.
Qed.
