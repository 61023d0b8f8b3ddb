(** * Gram iteration

    Statement.   ‖W‖ ≤ c if and only if ‖(WᵀW)^{2^{k−1}}‖ ≤ c^{2^k}; so a bound C of the norm of (WᵀW)^{2^{k−1}}, as
                 its Frobenius norm is one, gives ‖W‖ ≤ C^{2^{−k}}. With computed products: G_j = s_j G'_j and
                 ‖G_{j+1}u − G'_jᵀG'_j u‖ ≤ δ_j‖u‖ give ‖G_j‖ ≤ s_j √(‖G_{j+1}‖ + δ_j), unrolled from the last.
    Assumptions. any inner product spaces, so real or complex matrices with ⟨u, v⟩ = Re u*v; W has an adjoint,
                 ⟨Wu, v⟩ = ⟨u, Wᵀv⟩; k ≥ 1; c, s_j, δ_j ≥ 0
    Source.      theory, section 5; Delattre et al., ICML 2023
    Verdict.     proved as stated
    Theorems.    gram_step, symmetric_square, gram_iteration, gram_iteration_loses_nothing, gram_iteration_root,
                 computed_gram_iteration, frobenius_bounds_the_norm *)

From Coq Require Import Reals Lra Psatz List Lia.
From NatrobProofs Require Import normed_space inner_product_space perturbed_norms.
Import ListNotations.
Open Scope R_scope.
Open Scope vector_scope.

(** ** One level *)

Section OneLevel.

Variables E F : InnerProductSpace.

Definition adjoint (W : E -> F) (transposed : F -> E) : Prop := forall u v, ⟨W u, v⟩ = ⟨u, transposed v⟩.

(** ‖Wu‖² = ⟨u, WᵀWu⟩ ≤ ‖u‖‖WᵀWu‖ *)
Lemma image_squared_below_gram : forall W transposed u, adjoint W transposed ->
  ‖W u‖ * ‖W u‖ <= ‖transposed (W u)‖ * ‖u‖.
Proof.
  intros W transposed u pairing. rewrite <- dot_is_norm_squared, pairing, Rmult_comm. apply cauchy_schwarz.
Qed.

Lemma root_of_square_bound : forall image size c,
  0 <= c -> 0 <= size -> image * image <= c * size * size -> image <= sqrt c * size.
Proof.
  intros image size c nonnegative positive squares. apply compare_squares.
  - apply Rmult_le_pos; [apply sqrt_pos|assumption].
  - replace (sqrt c * size * (sqrt c * size)) with (sqrt c * sqrt c * size * size) by ring.
    rewrite sqrt_sqrt; assumption.
Qed.

Theorem gram_step : forall W transposed c, adjoint W transposed -> 0 <= c ->
  norm_at_most E E (fun u => transposed (W u)) c -> norm_at_most E F W (sqrt c).
Proof.
  intros W transposed c pairing nonnegative gram u. pose proof (norm_nonnegative E u) as size.
  apply root_of_square_bound; [assumption|assumption|].
  pose proof (image_squared_below_gram W transposed u pairing).
  pose proof (Rmult_le_compat_r (‖u‖) _ _ size (gram u)). lra.
Qed.

(** ‖Wᵀv‖² = ⟨WWᵀv, v⟩ ≤ c‖Wᵀv‖‖v‖ *)
Lemma adjoint_has_the_norm : forall W transposed c, adjoint W transposed -> 0 <= c ->
  norm_at_most E F W c -> norm_at_most F E transposed c.
Proof.
  intros W transposed c pairing nonnegative bound v.
  pose proof (norm_nonnegative E (transposed v)) as image. pose proof (norm_nonnegative F v) as size.
  assert (‖transposed v‖ * ‖transposed v‖ <= c * ‖transposed v‖ * ‖v‖) as square.
  { rewrite <- dot_is_norm_squared, <- pairing. apply Rle_trans with (‖W (transposed v)‖ * ‖v‖).
    - apply cauchy_schwarz.
    - apply Rmult_le_compat_r; [assumption|apply bound]. }
  destruct image as [positive|null].
  - apply Rmult_le_reg_r with (‖transposed v‖); [assumption|]. lra.
  - rewrite <- null. apply Rmult_le_pos; assumption.
Qed.

End OneLevel.

(** ** Repeated squares *)

Section Squares.

Variable E : InnerProductSpace.

(** A^(2^j), by squaring j times *)
Fixpoint repeated_square (A : E -> E) (j : nat) : E -> E :=
  match j with
  | O => A
  | S before => fun u => repeated_square A before (repeated_square A before u)
  end.

Definition symmetric (A : E -> E) : Prop := adjoint E E A A.

Lemma squares_are_symmetric : forall A j, symmetric A -> symmetric (repeated_square A j).
Proof.
  intros A j pairing. induction j as [|j step]; simpl; [exact pairing|]. intros u v. rewrite step. apply step.
Qed.

(** ‖AAu‖ ≤ c‖u‖ gives ‖Au‖ ≤ √c‖u‖. *)
Theorem symmetric_square : forall A c, symmetric A -> 0 <= c ->
  norm_at_most E E (fun u => A (A u)) c -> norm_at_most E E A (sqrt c).
Proof.
  intros A c. apply gram_step.
Qed.

(** c^(2^(j+1)) = (c^(2^j))² *)
Lemma power_of_power : forall c j, c ^ (2 ^ S j) = c ^ (2 ^ j) * c ^ (2 ^ j).
Proof.
  intros c j. rewrite <- pow_add. f_equal. simpl. lia.
Qed.

Lemma bound_of_power : forall A c j, symmetric A -> 0 <= c ->
  norm_at_most E E (repeated_square A j) (c ^ (2 ^ j)) <-> norm_at_most E E A c.
Proof.
  intros A c j pairing nonnegative. induction j as [|j step].
  - change (c ^ (2 ^ 0)) with (c * 1). rewrite Rmult_1_r. reflexivity.
  - rewrite power_of_power. rewrite <- step. clear step.
    assert (0 <= c ^ (2 ^ j)) as power by (apply pow_le; assumption).
    set (C := c ^ (2 ^ j)) in *. set (B := repeated_square A j) in *. split; intro bound.
    + (* ‖BBu‖ ≤ C²‖u‖ gives ‖Bu‖ ≤ C‖u‖ *)
      rewrite <- (sqrt_square C) by assumption. apply symmetric_square.
      * apply squares_are_symmetric. assumption.
      * apply Rmult_le_pos; assumption.
      * exact bound.
    + intro u. simpl. fold B. rewrite Rmult_assoc. apply Rle_trans with (C * ‖B u‖); [apply bound|].
      apply Rmult_le_compat_l; [assumption|apply bound].
Qed.

End Squares.

(** ** All levels *)

Section GramIteration.

Variables E F : InnerProductSpace.
Variable W : E -> F.
Variable transposed : F -> E.
Hypothesis pairing : adjoint E F W transposed.

(** WᵀW *)
Definition gram : E -> E := fun u => transposed (W u).

Lemma gram_is_symmetric : symmetric E gram.
Proof.
  intros u v. unfold gram. rewrite <- (pairing u (W v)), dot_symmetric, <- (pairing v (W u)). apply dot_symmetric.
Qed.

(** j = k − 1: (WᵀW)^{2^{k−1}} is WᵀW after k − 1 squarings. *)
Theorem gram_iteration : forall c j, 0 <= c ->
  norm_at_most E E (repeated_square E gram j) (c ^ (2 ^ S j)) -> norm_at_most E F W c.
Proof.
  intros c j nonnegative bound.
  assert (norm_at_most E E gram (c * c)) as of_gram.
  { apply (bound_of_power E gram (c * c) j); [apply gram_is_symmetric|apply Rmult_le_pos; assumption|].
    rewrite Rpow_mult_distr, <- power_of_power. exact bound. }
  rewrite <- (sqrt_square c) by assumption. apply gram_step with transposed; [assumption| |exact of_gram].
  apply Rmult_le_pos; assumption.
Qed.

Theorem gram_iteration_loses_nothing : forall c j, 0 <= c ->
  norm_at_most E F W c -> norm_at_most E E (repeated_square E gram j) (c ^ (2 ^ S j)).
Proof.
  intros c j nonnegative bound. rewrite power_of_power, <- Rpow_mult_distr.
  apply bound_of_power; [apply gram_is_symmetric|apply Rmult_le_pos; assumption|].
  intro u. unfold gram. rewrite Rmult_assoc. apply Rle_trans with (c * ‖W u‖).
  - apply (adjoint_has_the_norm E F W transposed); assumption.
  - apply Rmult_le_compat_l; [assumption|apply bound].
Qed.

(** C^{2^{−k}}: the square root, k times *)
Fixpoint repeated_root (C : R) (k : nat) : R :=
  match k with
  | O => C
  | S before => sqrt (repeated_root C before)
  end.

Lemma repeated_root_nonnegative : forall C k, 0 <= C -> 0 <= repeated_root C k.
Proof.
  intros C [|k] nonnegative; simpl; [assumption|apply sqrt_pos].
Qed.

Lemma power_of_root : forall C k, 0 <= C -> repeated_root C k ^ (2 ^ k) = C.
Proof.
  intros C k nonnegative. induction k as [|k step].
  - simpl. ring.
  - rewrite power_of_power, <- Rpow_mult_distr. simpl repeated_root.
    rewrite sqrt_sqrt; [exact step|]. apply repeated_root_nonnegative. assumption.
Qed.

Corollary gram_iteration_root : forall C j, 0 <= C ->
  norm_at_most E E (repeated_square E gram j) C -> norm_at_most E F W (repeated_root C (S j)).
Proof.
  intros C j nonnegative bound. apply gram_iteration with j; [apply repeated_root_nonnegative; assumption|].
  rewrite power_of_root; assumption.
Qed.

End GramIteration.

(** ** Computed products

    G_0 = W, and at every level G_j is divided by a scale s_j, which is exact, before G'_jᵀG'_j is computed with an
    error of norm at most δ_j. Computed products need not be symmetric: each level has its own adjoint. *)

Section Computed.

Variable E : InnerProductSpace.

(** s_0 √(s_1 √(… √(N + δ_{k−1}) … + δ_1) + δ_0) *)
Fixpoint unrolled (scales delta : nat -> R) (N : R) (k : nat) : R :=
  match k with
  | O => N
  | S rest => scales O * sqrt (unrolled (fun j => scales (S j)) (fun j => delta (S j)) N rest + delta O)
  end.

Lemma unrolled_nonnegative : forall k scales delta N,
  (forall j, 0 <= scales j) -> 0 <= N -> 0 <= unrolled scales delta N k.
Proof.
  intros [|k] scales delta N nonnegative last; simpl; [assumption|].
  apply Rmult_le_pos; [apply nonnegative|apply sqrt_pos].
Qed.

(** The first level may lead from another space, as W does. *)
Lemma computed_gram_step : forall (F : InnerProductSpace) (G scaled : E -> F) (transposed : F -> E) (H : E -> E)
    s delta N,
  0 <= s -> 0 <= N -> 0 <= delta ->
  (forall u, G u = s • scaled u) -> adjoint E F scaled transposed ->
  (forall u, ‖transposed (scaled u) ⊖ H u‖ <= delta * ‖u‖) -> norm_at_most E E H N ->
  norm_at_most E F G (s * sqrt (N + delta)).
Proof.
  intros F G scaled transposed H s delta N scale last error same pairing computed bound u.
  assert (norm_at_most E F scaled (sqrt (N + delta))) as of_scaled.
  { apply gram_step with transposed; [assumption|lra|].
    apply norm_with_error with H; assumption. }
  rewrite same, norm_scale, Rabs_right, Rmult_assoc by lra. apply Rmult_le_compat_l; [assumption|apply of_scaled].
Qed.

Lemma computed_levels : forall k (G scaled transposed : nat -> E -> E) scales delta N,
  (forall j, 0 <= scales j) -> (forall j, 0 <= delta j) -> 0 <= N ->
  (forall j u, G j u = scales j • scaled j u) ->
  (forall j, adjoint E E (scaled j) (transposed j)) ->
  (forall j u, ‖transposed j (scaled j u) ⊖ G (S j) u‖ <= delta j * ‖u‖) ->
  norm_at_most E E (G k) N -> norm_at_most E E (G O) (unrolled scales delta N k).
Proof.
  induction k as [|k step]; intros G scaled transposed scales delta N scale error last same pairing computed bound;
    simpl; [exact bound|].
  apply computed_gram_step with (scaled := scaled O) (transposed := transposed O) (H := G 1%nat); auto.
  - apply unrolled_nonnegative; auto.
  - apply (step (fun j => G (S j)) (fun j => scaled (S j)) (fun j => transposed (S j))); auto.
Qed.

(** W = s_0 W', the computed G_1 ≈ W'ᵀW', and so on: k products in all. *)
Theorem computed_gram_iteration : forall (F : InnerProductSpace) (W W_scaled : E -> F) (W_transposed : F -> E)
    (G scaled transposed : nat -> E -> E) scales delta N k,
  (forall j, 0 <= scales j) -> (forall j, 0 <= delta j) -> 0 <= N ->
  (forall u, W u = scales O • W_scaled u) -> adjoint E F W_scaled W_transposed ->
  (forall u, ‖W_transposed (W_scaled u) ⊖ G 1%nat u‖ <= delta O * ‖u‖) ->
  (forall j u, G (S j) u = scales (S j) • scaled (S j) u) ->
  (forall j, adjoint E E (scaled (S j)) (transposed (S j))) ->
  (forall j u, ‖transposed (S j) (scaled (S j) u) ⊖ G (S (S j)) u‖ <= delta (S j) * ‖u‖) ->
  norm_at_most E E (G (S k)) N -> norm_at_most E F W (unrolled scales delta N (S k)).
Proof.
  intros F W W_scaled W_transposed G scaled transposed scales delta N k scale error last
    same_first pairing_first computed_first same pairing computed bound. cbn [unrolled].
  apply computed_gram_step with (scaled := W_scaled) (transposed := W_transposed) (H := G 1%nat); auto.
  - apply unrolled_nonnegative; auto.
  - apply (computed_levels k (fun j => G (S j)) (fun j => scaled (S j)) (fun j => transposed (S j))); auto.
Qed.

(** The last norm is bounded by Frobenius': G_k has rows w_1, …, w_m if ‖G_k u‖² = Σ⟨w_i, u⟩². *)
Theorem frobenius_bounds_the_norm : forall (G : E -> E) rows,
  (forall u, ‖G u‖ * ‖G u‖ = image_squared E rows u) -> norm_at_most E E G (sqrt (frobenius_squared E rows)).
Proof.
  intros G rows same u. apply root_of_square_bound.
  - clear same. induction rows as [|w rest step]; simpl; [lra|]. fold (frobenius_squared E rest).
    pose proof (Rle_0_sqr (‖w‖)) as square. unfold Rsqr in square. lra.
  - apply norm_nonnegative.
  - rewrite same, Rmult_assoc. apply rows_bound_the_norm.
Qed.

End Computed.
