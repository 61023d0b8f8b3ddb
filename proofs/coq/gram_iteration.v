(** * Gram iteration

    Statement.   ‖W‖₂ = ‖W*W‖₂^{1/2}, and each further squaring of the symmetric W*W takes one more square root: if
                 (W*W)^{2^{k−1}} has at most the norm c^{2^k}, c ≥ 0, then W has at most the norm c. The Frobenius norm of
                 the last matrix is such a bound (rows_bound_the_norm).
    Assumptions. any two inner product spaces; W has an adjoint W*
    Source.      theory, section 5; Delattre et al., ICML 2023
    Verdict.     proved as stated
    Theorems.    first_root, next_root, gram_iteration *)

From Coq Require Import Reals Lra Psatz.
From NatrobProofs Require Import normed_space inner_product_space perturbed_norms.
Open Scope R_scope.
Open Scope vector_scope.

Section GramIteration.

Variable E F : InnerProductSpace.

Definition symmetric (A : E -> E) : Prop := forall u v, ⟨A u, v⟩ = ⟨u, A v⟩.

(** ‖Wu‖² = ⟨W*Wu, u⟩ ≤ ‖W*Wu‖‖u‖ ≤ c²‖u‖² *)
Theorem first_root : forall (W : E -> F) (adjoint : F -> E) c,
  (forall u v, ⟨W u, v⟩ = ⟨u, adjoint v⟩) -> 0 <= c ->
  norm_at_most E E (fun u => adjoint (W u)) (c * c) -> norm_at_most E F W c.
Proof.
  intros W adjoint c adjoint_of nonnegative known u.
  pose proof (norm_nonnegative E u) as size.
  apply compare_squares; [apply Rmult_le_pos; assumption|].
  rewrite <- dot_is_norm_squared, adjoint_of.
  apply Rle_trans with (‖u‖ * ‖adjoint (W u)‖); [apply cauchy_schwarz|].
  pose proof (Rmult_le_compat_l (‖u‖) _ _ size (known u)). lra.
Qed.

(** ‖Au‖² = ⟨A(Au), u⟩: the same for a symmetric A, whose adjoint it is. *)
Theorem next_root : forall (A : E -> E) c,
  symmetric A -> 0 <= c -> norm_at_most E E (fun u => A (A u)) (c * c) -> norm_at_most E E A c.
Proof.
  intros A c self nonnegative known u.
  pose proof (norm_nonnegative E u) as size.
  apply compare_squares; [apply Rmult_le_pos; assumption|].
  rewrite <- dot_is_norm_squared, self.
  apply Rle_trans with (‖u‖ * ‖A (A u)‖); [apply cauchy_schwarz|].
  pose proof (Rmult_le_compat_l (‖u‖) _ _ size (known u)). lra.
Qed.

(** A, A², A⁴, …: the k-th square has 2^k factors. *)
Fixpoint squared (A : E -> E) (k : nat) : E -> E :=
  match k with
  | O => A
  | S before => fun u => squared A before (squared A before u)
  end.

Fixpoint root_power (c : R) (k : nat) : R :=
  match k with
  | O => c
  | S before => root_power c before * root_power c before
  end.

Lemma root_power_is_power : forall c k, root_power c k = c ^ (2 ^ k).
Proof.
  intros c k. induction k as [|k step]; simpl; [ring|].
  rewrite step, Nat.add_0_r, pow_add. reflexivity.
Qed.

Lemma root_power_nonnegative : forall c k, 0 <= c -> 0 <= root_power c k.
Proof.
  intros c k nonnegative. induction k as [|k step]; simpl; [assumption|]. apply Rmult_le_pos; assumption.
Qed.

Lemma squares_are_symmetric : forall A k, symmetric A -> symmetric (squared A k).
Proof.
  intros A k self. induction k as [|k step]; simpl; [assumption|].
  intros u v. rewrite step, step. reflexivity.
Qed.

Lemma unrolled : forall A c k,
  symmetric A -> 0 <= c -> norm_at_most E E (squared A k) (root_power c k) -> norm_at_most E E A c.
Proof.
  intros A c k self nonnegative. induction k as [|k step]; simpl; intro known; [assumption|].
  apply step. apply next_root; [apply squares_are_symmetric|apply root_power_nonnegative|]; assumption.
Qed.

(** k squarings in all, the first of them W*W: the bound of the last is c^{2^k}. *)
Theorem gram_iteration : forall (W : E -> F) (adjoint : F -> E) c k,
  (forall u v, ⟨W u, v⟩ = ⟨u, adjoint v⟩) -> 0 <= c ->
  norm_at_most E E (squared (fun u => adjoint (W u)) k) (c ^ (2 ^ S k)) -> norm_at_most E F W c.
Proof.
  intros W adjoint c k adjoint_of nonnegative known.
  apply (first_root W adjoint c adjoint_of nonnegative).
  apply (unrolled (fun u => adjoint (W u)) (c * c) k).
  - (* ⟨W*Wu, v⟩ = ⟨Wu, Wv⟩ = ⟨u, W*Wv⟩ *)
    intros u v. rewrite dot_symmetric, <- adjoint_of, dot_symmetric, adjoint_of. reflexivity.
  - apply Rmult_le_pos; assumption.
  - rewrite root_power_is_power, <- (Rmult_1_r c) at 1.
    replace (c * 1 * c) with (c ^ 2) by ring. rewrite <- pow_mult. exact known.
Qed.

End GramIteration.
