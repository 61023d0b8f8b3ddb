(** * RevNet's coupling

    Statement.   For a' = a + h f1(t, b), b' = b + h f2(t, a') the pair (‖Δa‖, ‖Δb‖) grows entrywise at most by
                 M = [[1, α], [β, 1 + αβ]], α = hK1, β = hK2; n steps by the product of their matrices, so
                 ‖(Δa, Δb)‖ by the spectral norm of that product, which is at most the product of the spectral norms;
                 linear couplings attain it; the step has an exact inverse; the larger eigenvalue of M is
                 exp(2 arsinh(√(αβ)/2)) ≤ exp(√(αβ)).
    Assumptions. any two normed spaces; h ≥ 0; f1(t, ·) is K1-Lipschitz and f2(t, ·) is K2-Lipschitz; K1, K2 ≥ 0;
                 steps may have their own α_n, β_n; for attainment, a vector of norm 1
    Source.      the paper's (21); theory, section 1
    Verdict.     proved for every h
    Theorems.    one_coupling_step, coupling_steps, growth_of_the_pair, spectral_norm_is_a_bound,
                 spectral_norm_is_attained, product_below_product_of_norms, inverse_undoes_step, step_undoes_inverse,
                 linear_coupling_attains, eigenvalue_equation, largest_eigenvalue, largest_eigenvalue_below_exponential,
                 coupling_product_over_Q *)

From Coq Require Import Reals Lra Psatz Lia QArith Qreals List.
From NatrobProofs Require Import normed_space one_step_methods lipschitz_maps pair_space.
Import ListNotations.
Open Scope R_scope.
Open Scope vector_scope.

(** ** Matrices of two rows and two columns *)

Record Matrix : Type := matrix { upper_left : R; upper_right : R; lower_left : R; lower_right : R }.

Definition identity_matrix : Matrix := matrix 1 0 0 1.

(** M(u, v), row by row *)
Definition upper_row (M : Matrix) (u v : R) : R := upper_left M * u + upper_right M * v.
Definition lower_row (M : Matrix) (u v : R) : R := lower_left M * u + lower_right M * v.

Definition multiply (M P : Matrix) : Matrix :=
  matrix (upper_row M (upper_left P) (lower_left P)) (upper_row M (upper_right P) (lower_right P))
         (lower_row M (upper_left P) (lower_left P)) (lower_row M (upper_right P) (lower_right P)).

Lemma multiply_rows : forall M P u v,
  upper_row (multiply M P) u v = upper_row M (upper_row P u v) (lower_row P u v) /\
  lower_row (multiply M P) u v = lower_row M (upper_row P u v) (lower_row P u v).
Proof.
  intros M P u v. unfold upper_row, lower_row, multiply, upper_row, lower_row. simpl. split; ring.
Qed.

(** ‖M(u, v)‖₂ *)
Definition norm_of_image (M : Matrix) (u v : R) : R := norm2 (upper_row M u v) (lower_row M u v).

(** L bounds the spectral norm of M. *)
Definition bounds_matrix (M : Matrix) (L : R) : Prop := forall u v, norm_of_image M u v <= L * norm2 u v.

(** ** The spectral norm

    The formula of the code. With p, q, r, s the entries of M, T = p² + q², U = r² + s² and m = pr + qs are the entries
    of M Mᵀ, and the norm is the root of ½(T + U + √((T − U)² + 4m²)). *)

Section SpectralNorm.

Variable M : Matrix.

Let p := upper_left M.
Let q := upper_right M.
Let r := lower_left M.
Let s := lower_right M.

Definition sum_of_squares : R := p * p + q * q + r * r + s * s.
Definition discriminant : R :=
  (p * p + q * q - (r * r + s * s)) * (p * p + q * q - (r * r + s * s)) + 4 * ((p * r + q * s) * (p * r + q * s)).
Definition spectral_square : R := / 2 * (sum_of_squares + sqrt discriminant).
Definition spectral_norm : R := sqrt spectral_square.

(** The same numbers from MᵀM: its diagonal differs by [gap], its other entry is [mixed]. *)
Let gap := p * p + r * r - (q * q + s * s).
Let mixed := p * q + r * s.

Lemma same_discriminant : discriminant = gap * gap + 2 * mixed * (2 * mixed).
Proof.
  unfold discriminant, gap, mixed. ring.
Qed.

Lemma root_is_norm2 : sqrt discriminant = norm2 gap (2 * mixed).
Proof.
  rewrite same_discriminant. reflexivity.
Qed.

Lemma image_squared : forall u v,
  upper_row M u v * upper_row M u v + lower_row M u v * lower_row M u v
    = / 2 * (sum_of_squares * (u * u + v * v) + (gap * (u * u - v * v) + 2 * mixed * (2 * u * v))).
Proof.
  intros u v. unfold upper_row, lower_row, sum_of_squares, gap, mixed, p, q, r, s. field.
Qed.

Lemma spectral_square_nonnegative : 0 <= spectral_square.
Proof.
  unfold spectral_square, sum_of_squares. pose proof (sqrt_pos discriminant). nra.
Qed.

Lemma spectral_norm_nonnegative : 0 <= spectral_norm.
Proof.
  apply sqrt_pos.
Qed.

Lemma spectral_norm_squared : spectral_norm * spectral_norm = spectral_square.
Proof.
  apply sqrt_sqrt, spectral_square_nonnegative.
Qed.

(** (u² − v², 2uv) has norm u² + v². *)
Lemma doubled_angle : forall u v, norm2 (u * u - v * v) (2 * u * v) = u * u + v * v.
Proof.
  intros u v. unfold norm2.
  replace ((u * u - v * v) * (u * u - v * v) + 2 * u * v * (2 * u * v))
    with ((u * u + v * v) * (u * u + v * v)) by ring.
  apply sqrt_square. nra.
Qed.

Theorem spectral_norm_is_a_bound : bounds_matrix M spectral_norm.
Proof.
  intros u v. apply norm2_below.
  - apply Rmult_le_pos; [apply spectral_norm_nonnegative|apply norm2_nonnegative].
  - (* Cauchy and Schwarz for (gap, 2 mixed) and the doubled angle *)
    rewrite image_squared.
    replace (spectral_norm * norm2 u v * (spectral_norm * norm2 u v))
      with ((spectral_norm * spectral_norm) * (norm2 u v * norm2 u v)) by ring.
    rewrite spectral_norm_squared, norm2_squared. unfold spectral_square.
    pose proof (norm2_cauchy_schwarz gap (2 * mixed) (u * u - v * v) (2 * u * v)) as cosine.
    rewrite doubled_angle, <- root_is_norm2 in cosine. lra.
Qed.

(** The singular vector is (D + gap, 2 mixed) with D = √discriminant, or (0, 1) where that is zero. *)
Theorem spectral_norm_is_attained :
  exists u v, 0 < norm2 u v /\ norm_of_image M u v = spectral_norm * norm2 u v.
Proof.
  pose proof (sqrt_pos discriminant) as root_nonnegative.
  assert (sqrt discriminant * sqrt discriminant = gap * gap + 2 * mixed * (2 * mixed)) as root.
  { rewrite <- same_discriminant. apply sqrt_sqrt. rewrite same_discriminant. nra. }
  set (D := sqrt discriminant) in *.
  assert (exists u v, 0 < u * u + v * v /\
    gap * (u * u - v * v) + 2 * mixed * (2 * u * v) = D * (u * u + v * v)) as [u [v [nonzero aligned]]].
  { destruct (Req_dec (D + gap) 0) as [degenerate|regular].
    - exists 0, 1. split; [lra|]. nra.
    - exists (D + gap), (2 * mixed). split.
      + pose proof (Rsqr_pos_lt _ regular) as square. unfold Rsqr in square. nra.
      + (* both sides are 2D²(D + gap), by D² = gap² + (2 mixed)² *)
        replace (gap * ((D + gap) * (D + gap) - 2 * mixed * (2 * mixed)) + 2 * mixed * (2 * (D + gap) * (2 * mixed)))
          with (gap * ((D + gap) * (D + gap)) + (2 * mixed * (2 * mixed)) * (2 * D + gap)) by ring.
        replace (2 * mixed * (2 * mixed)) with (D * D - gap * gap) by lra. ring. }
  exists u, v.
  assert (0 < norm2 u v) as positive by (apply sqrt_lt_R0; assumption).
  split; [assumption|].
  unfold norm_of_image. unfold norm2 at 1.
  rewrite image_squared, aligned.
  replace (/ 2 * (sum_of_squares * (u * u + v * v) + D * (u * u + v * v)))
    with (spectral_square * (u * u + v * v)) by (unfold spectral_square; fold D; ring).
  apply sqrt_mult_alt, spectral_square_nonnegative.
Qed.

(** So it is the least bound. *)
Corollary spectral_norm_is_least : forall L, bounds_matrix M L -> spectral_norm <= L.
Proof.
  intros L bound. destruct spectral_norm_is_attained as [u [v [positive attained]]].
  specialize (bound u v). rewrite attained in bound. apply Rmult_le_reg_r with (norm2 u v); assumption.
Qed.

End SpectralNorm.

(** ** Products of matrices *)

Lemma bounds_multiply : forall M P K L, 0 <= K ->
  bounds_matrix M K -> bounds_matrix P L -> bounds_matrix (multiply M P) (K * L).
Proof.
  intros M P K L nonnegative first second u v. unfold norm_of_image.
  destruct (multiply_rows M P u v) as [upper lower]. rewrite upper, lower.
  apply Rle_trans with (K * norm_of_image P u v); [apply first|].
  rewrite Rmult_assoc. apply Rmult_le_compat_l; [assumption|apply second].
Qed.

(** The product of the norms is at least the norm of the product. *)
Theorem norm_of_product : forall M P, spectral_norm (multiply M P) <= spectral_norm M * spectral_norm P.
Proof.
  intros M P. apply spectral_norm_is_least, bounds_multiply; try apply spectral_norm_is_a_bound.
  apply spectral_norm_nonnegative.
Qed.

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
  pose proof (norm_on_line u v) as start. pose proof (norm_on_line (upper_row (P n) u v) (lower_row (P n) u v)) as after.
  simpl in start, after. rewrite start, after. split; assumption.
Qed.

End Attained.

(** ** The eigenvalues of M *)

Definition eigenvalue (M : Matrix) (lambda : R) : Prop :=
  exists u v, (u <> 0 \/ v <> 0) /\ upper_row M u v = lambda * u /\ lower_row M u v = lambda * v.

(** λ² − (2 + αβ)λ + 1 = 0: the trace is 2 + αβ, the determinant is 1. *)
Theorem eigenvalue_equation : forall alpha beta lambda,
  eigenvalue (coupling alpha beta) lambda <-> lambda * lambda - (2 + alpha * beta) * lambda + 1 = 0.
Proof.
  intros alpha beta lambda. unfold eigenvalue, upper_row, lower_row. simpl. split.
  - intros [u [v [nonzero [upper lower]]]].
    set (equation := lambda * lambda - (2 + alpha * beta) * lambda + 1).
    (* Cramer's rule: both components are annihilated *)
    assert (equation * u = 0) as first.
    { replace (equation * u) with
        ((lambda - (1 + alpha * beta)) * (lambda * u - (1 * u + alpha * v))
         + alpha * (lambda * v - (beta * u + (1 + alpha * beta) * v))) by (unfold equation; ring).
      rewrite upper, lower. ring. }
    assert (equation * v = 0) as second.
    { replace (equation * v) with
        ((lambda - 1) * (lambda * v - (beta * u + (1 + alpha * beta) * v))
         + beta * (lambda * u - (1 * u + alpha * v))) by (unfold equation; ring).
      rewrite upper, lower. ring. }
    destruct nonzero as [u_nonzero|v_nonzero].
    + destruct (Rmult_integral _ _ first); [assumption|contradiction].
    + destruct (Rmult_integral _ _ second); [assumption|contradiction].
  - intro equation. destruct (Req_dec alpha 0) as [null|regular].
    + (* α = 0 makes λ = 1 *)
      subst alpha. assert (lambda = 1) by nra. subst lambda.
      exists 0, 1. split; [right; lra|]. split; ring.
    + exists alpha, (lambda - 1). split; [left; assumption|]. split; [ring|]. nra.
Qed.

(** exp(2 arsinh(√(αβ)/2)) *)
Definition spectral_radius (alpha beta : R) : R := exp (2 * arcsinh (sqrt (alpha * beta) / 2)).

Lemma sum_with_inverse : forall alpha beta, 0 <= alpha * beta ->
  spectral_radius alpha beta + / spectral_radius alpha beta = 2 + alpha * beta.
Proof.
  intros alpha beta nonnegative. unfold spectral_radius.
  (* e^{2x} + e^{−2x} = 2 + (2 sinh x)², and 2 sinh x = √(αβ) *)
  pose proof (sinh_arcsinh (sqrt (alpha * beta) / 2)) as sinh_x.
  set (x := arcsinh (sqrt (alpha * beta) / 2)) in *. unfold sinh in sinh_x.
  rewrite <- exp_Ropp.
  replace (2 * x) with (x + x) by ring. replace (- (x + x)) with (- x + - x) by ring. rewrite !exp_plus.
  assert (exp x * exp (- x) = 1) as inverse by (rewrite <- exp_plus, Rplus_opp_r; apply exp_0).
  assert (sqrt (alpha * beta) = exp x - exp (- x)) as root by lra.
  pose proof (sqrt_sqrt _ nonnegative) as squared. rewrite root in squared. nra.
Qed.

(** The equation's roots are ρ ≥ 1 and 1/ρ. *)
Theorem largest_eigenvalue : forall alpha beta, 0 <= alpha * beta ->
  eigenvalue (coupling alpha beta) (spectral_radius alpha beta) /\
  forall lambda, eigenvalue (coupling alpha beta) lambda -> Rabs lambda <= spectral_radius alpha beta.
Proof.
  intros alpha beta nonnegative.
  pose proof (sum_with_inverse alpha beta nonnegative) as sum.
  assert (0 < spectral_radius alpha beta) as positive by apply exp_pos.
  assert (1 <= spectral_radius alpha beta) as expanding.
  { unfold spectral_radius. rewrite <- exp_0.
    assert (0 <= arcsinh (sqrt (alpha * beta) / 2)) as angle.
    { rewrite <- arcsinh_0. apply arcsinh_le. pose proof (sqrt_pos (alpha * beta)). lra. }
    destruct (Req_dec (arcsinh (sqrt (alpha * beta) / 2)) 0) as [null|regular].
    - rewrite null, Rmult_0_r. apply Rle_refl.
    - apply Rlt_le, exp_increasing. lra. }
  set (rho := spectral_radius alpha beta) in *.
  assert (rho * / rho = 1) as inverse by (apply Rinv_r; lra).
  assert (0 < / rho) as inverse_positive by (apply Rinv_0_lt_compat; assumption).
  assert (/ rho <= rho) as smaller by nra.
  split; [apply eigenvalue_equation; rewrite <- sum; nra|].
  intros lambda is_eigenvalue. apply eigenvalue_equation in is_eigenvalue.
  (* (λ − ρ)(λ − 1/ρ) = 0 *)
  assert ((lambda - rho) * (lambda - / rho) = 0) as factors by (rewrite <- sum in is_eigenvalue; nra).
  destruct (Rmult_integral _ _ factors) as [first|second]; rewrite Rabs_pos_eq; lra.
Qed.

(** x ≤ sinh x for x ≥ 0: the derivative of e^x − e^{−x} − 2x is (e^{x/2} − e^{−x/2})². *)
Lemma below_sinh : forall x, 0 <= x -> x <= sinh x.
Proof.
  intros x nonnegative. unfold sinh.
  set (g := fun y => exp y - exp (- y) - 2 * y).
  assert (forall y, derivable_pt_lim g y (exp y + exp (- y) - 2)) as slope.
  { intro y. unfold g.
    replace (exp y + exp (- y) - 2) with (exp y - exp (- y) * -1 - 2 * 1) by ring.
    apply derivable_pt_lim_minus with (f1 := fun y => exp y - exp (- y)) (f2 := fun y => 2 * y).
    - apply derivable_pt_lim_minus with (f1 := exp) (f2 := fun y => exp (- y)).
      + apply derivable_pt_lim_exp.
      + apply (derivable_pt_lim_comp (fun y => - y) exp y (-1) (exp (- y))).
        * replace (-1) with (- 1) by ring. apply derivable_pt_lim_opp with (f := fun y => y). apply derivable_pt_lim_id.
        * apply derivable_pt_lim_exp.
    - apply derivable_pt_lim_scal with (f := fun y => y). apply derivable_pt_lim_id. }
  assert (increasing g) as rising.
  { apply (nonneg_derivative_1 g (fun y => exist _ _ (slope y))).
    intro y. simpl.
    replace (exp y) with (exp (y / 2) * exp (y / 2)) by (rewrite <- exp_plus; f_equal; field).
    replace (exp (- y)) with (exp (- (y / 2)) * exp (- (y / 2))) by (rewrite <- exp_plus; f_equal; field).
    assert (exp (y / 2) * exp (- (y / 2)) = 1) by (rewrite <- exp_plus, Rplus_opp_r; apply exp_0).
    pose proof (Rle_0_sqr (exp (y / 2) - exp (- (y / 2)))) as square. unfold Rsqr in square. lra. }
  specialize (rising 0 x nonnegative). unfold g in rising. rewrite Ropp_0, exp_0 in rising. lra.
Qed.

Theorem largest_eigenvalue_below_exponential : forall alpha beta, 0 <= alpha * beta ->
  spectral_radius alpha beta <= exp (sqrt (alpha * beta)).
Proof.
  intros alpha beta nonnegative. unfold spectral_radius.
  set (x := sqrt (alpha * beta) / 2).
  assert (0 <= x) as x_nonnegative by (unfold x; pose proof (sqrt_pos (alpha * beta)); lra).
  (* arsinh x ≤ arsinh (sinh x) = x *)
  assert (arcsinh x <= x) as below.
  { rewrite <- (arcsinh_sinh x) at 2. apply arcsinh_le, below_sinh. assumption. }
  assert (sqrt (alpha * beta) = 2 * x) as double by (unfold x; field). rewrite double.
  destruct below as [less|same]; [apply Rlt_le, exp_increasing; lra|rewrite same; apply Rle_refl].
Qed.

(** No bound of n equal steps is below ρ^n. *)
Theorem power_of_the_largest_eigenvalue : forall alpha beta n L, 0 <= alpha * beta ->
  bounds_matrix (coupling_product (fun _ => alpha) (fun _ => beta) n) L -> spectral_radius alpha beta ^ n <= L.
Proof.
  intros alpha beta n L nonnegative bound.
  destruct (largest_eigenvalue alpha beta nonnegative) as [[u [v [nonzero [upper lower]]]] _].
  set (rho := spectral_radius alpha beta) in *.
  (* the eigenvector is multiplied by ρ in every step *)
  assert (forall m, upper_row (coupling_product (fun _ => alpha) (fun _ => beta) m) u v = rho ^ m * u /\
                    lower_row (coupling_product (fun _ => alpha) (fun _ => beta) m) u v = rho ^ m * v) as powers.
  { intro m. induction m as [|m [first second]].
    - destruct (identity_rows u v) as [first second]. simpl coupling_product. rewrite first, second. simpl. split; ring.
    - simpl coupling_product.
      destruct (multiply_rows (coupling alpha beta) (coupling_product (fun _ => alpha) (fun _ => beta) m) u v)
        as [above below].
      rewrite above, below, first, second. unfold upper_row, lower_row in *. simpl in *. split.
      + transitivity (rho ^ m * (1 * u + alpha * v)); [ring|rewrite upper; ring].
      + transitivity (rho ^ m * (beta * u + (1 + alpha * beta) * v)); [ring|rewrite lower; ring]. }
  specialize (bound u v). unfold norm_of_image in bound.
  destruct (powers n) as [first second]. rewrite first, second, norm2_scale in bound.
  apply Rle_trans with (Rabs (rho ^ n)); [apply Rle_abs|].
  apply Rmult_le_reg_r with (norm2 u v); [|assumption].
  apply sqrt_lt_R0. pose proof (Rle_0_sqr u) as u_square. pose proof (Rle_0_sqr v) as v_square. unfold Rsqr in *.
  destruct nonzero as [u_nonzero|v_nonzero].
  - pose proof (Rsqr_pos_lt _ u_nonzero) as square. unfold Rsqr in square. lra.
  - pose proof (Rsqr_pos_lt _ v_nonzero) as square. unfold Rsqr in square. lra.
Qed.

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
