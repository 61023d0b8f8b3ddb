(** * Normed spaces

    What a proof about perturbations may use of the space of states: vectors can be added and scaled, and they have a
    norm. Nothing here depends on the dimension. [euclidean_space.v] shows that R^n with the Euclidean norm is one. *)

From Coq Require Import Reals Lra List.
Import ListNotations.
Open Scope R_scope.

Record NormedSpace : Type := {
  carrier :> Type;
  zero : carrier;
  add : carrier -> carrier -> carrier;
  opposite : carrier -> carrier;
  scale : R -> carrier -> carrier;
  norm : carrier -> R;
  add_commutes : forall u v, add u v = add v u;
  add_associates : forall u v w, add u (add v w) = add (add u v) w;
  add_zero : forall u, add u zero = u;
  add_opposite : forall u, add u (opposite u) = zero;
  scale_one : forall u, scale 1 u = u;
  scale_scale : forall a b u, scale a (scale b u) = scale (a * b) u;
  scale_add : forall a u v, scale a (add u v) = add (scale a u) (scale a v);
  scale_sum : forall a b u, scale (a + b) u = add (scale a u) (scale b u);
  norm_triangle : forall u v, norm (add u v) <= norm u + norm v;
  norm_scale : forall a u, norm (scale a u) = Rabs a * norm u;
  norm_separates : forall u, norm u = 0 -> u = zero
}.

Arguments zero {_}.
Arguments add {_}.
Arguments opposite {_}.
Arguments scale {_}.
Arguments norm {_}.

Declare Scope vector_scope.
Delimit Scope vector_scope with V.
Notation "u ⊕ v" := (add u v) (at level 50, left associativity) : vector_scope.
Notation "u ⊖ v" := (add u (opposite v)) (at level 50, left associativity) : vector_scope.
Notation "a • u" := (scale a u) (at level 40, left associativity) : vector_scope.
Notation "‖ u ‖" := (norm u) (at level 10, u at level 99, format "‖ u ‖") : vector_scope.
Open Scope vector_scope.

(** ** Equal linear combinations

    [vector] proves that two expressions in [⊕], [⊖], [•] are equal: it writes both as combinations of the same vectors
    and leaves the coefficients to [ring], or [field] where there are quotients. *)

Section Combinations.

Variable V : NormedSpace.

Lemma add_cancels : forall u v w : V, u ⊕ v = u ⊕ w -> v = w.
Proof.
  intros u v w same.
  assert (forall x : V, x = opposite u ⊕ (u ⊕ x)) as undo.
  { intro x. rewrite add_associates, (add_commutes _ (opposite u)), add_opposite, add_commutes, add_zero. reflexivity. }
  rewrite (undo v), (undo w), same. reflexivity.
Qed.

Lemma scale_zero : forall u : V, 0 • u = zero.
Proof.
  intro u. apply (add_cancels (0 • u)).
  rewrite <- scale_sum, Rplus_0_r, add_zero. reflexivity.
Qed.

Lemma scale_of_zero : forall a, a • (zero : V) = zero.
Proof.
  intro a. rewrite <- (scale_zero zero), scale_scale, Rmult_0_r. reflexivity.
Qed.

Lemma opposite_is_scale : forall u : V, opposite u = (-1) • u.
Proof.
  intro u. apply (add_cancels u).
  rewrite add_opposite. rewrite <- (scale_one _ u) at 1. rewrite <- scale_sum.
  replace (1 + -1) with 0 by lra. rewrite scale_zero. reflexivity.
Qed.

Inductive expression : Type :=
  | Atom (position : nat)
  | Zero
  | Sum (first second : expression)
  | Opposite (inner : expression)
  | Scaled (factor : R) (inner : expression).

Fixpoint value (atoms : list V) (e : expression) : V :=
  match e with
  | Atom position => nth position atoms zero
  | Zero => zero
  | Sum first second => value atoms first ⊕ value atoms second
  | Opposite inner => opposite (value atoms inner)
  | Scaled factor inner => factor • value atoms inner
  end.

Fixpoint coefficient (e : expression) (position : nat) : R :=
  match e with
  | Atom own => if Nat.eqb own position then 1 else 0
  | Zero => 0
  | Sum first second => coefficient first position + coefficient second position
  | Opposite inner => - coefficient inner position
  | Scaled factor inner => factor * coefficient inner position
  end.

Fixpoint combination (coefficients : nat -> R) (atoms : list V) : V :=
  match atoms with
  | [] => zero
  | first :: rest => coefficients O • first ⊕ combination (fun n => coefficients (S n)) rest
  end.

Lemma combination_extends : forall atoms c d, (forall n, c n = d n) -> combination c atoms = combination d atoms.
Proof.
  induction atoms as [|first rest step]; intros c d same; simpl; [reflexivity|].
  rewrite (same O), (step _ (fun n => d (S n))); [reflexivity|]. intro n. apply same.
Qed.

Lemma combination_zero : forall atoms, combination (fun _ => 0) atoms = zero.
Proof.
  induction atoms as [|first rest step]; simpl; [reflexivity|]. rewrite step, scale_zero, add_zero. reflexivity.
Qed.

Lemma combination_atom : forall atoms position,
  combination (fun n => if Nat.eqb position n then 1 else 0) atoms = nth position atoms zero.
Proof.
  induction atoms as [|first rest step]; intros [|position]; simpl; try reflexivity.
  - rewrite scale_one, combination_zero, add_zero. reflexivity.
  - rewrite scale_zero, add_commutes, add_zero. apply step.
Qed.

Lemma combination_add : forall atoms c d,
  combination (fun n => c n + d n) atoms = combination c atoms ⊕ combination d atoms.
Proof.
  induction atoms as [|first rest step]; intros c d; simpl; [rewrite add_zero; reflexivity|].
  rewrite step, scale_sum, !add_associates. f_equal.
  rewrite <- !add_associates. f_equal. apply add_commutes.
Qed.

Lemma combination_scale : forall atoms a c, combination (fun n => a * c n) atoms = a • combination c atoms.
Proof.
  induction atoms as [|first rest step]; intros a c; simpl; [rewrite scale_of_zero; reflexivity|].
  rewrite step, scale_add, scale_scale. reflexivity.
Qed.

Lemma value_is_combination : forall atoms e, value atoms e = combination (coefficient e) atoms.
Proof.
  intros atoms e. induction e as [position| |first stepfirst second stepsecond|inner step|factor inner step]; simpl.
  - symmetry. apply combination_atom.
  - symmetry. apply combination_zero.
  - rewrite stepfirst, stepsecond. symmetry. apply combination_add.
  - rewrite step, opposite_is_scale, <- combination_scale. apply combination_extends. intro n. ring.
  - rewrite step. symmetry. apply combination_scale.
Qed.

Fixpoint agree (c d : nat -> R) (atoms : list V) : Prop :=
  match atoms with
  | [] => True
  | _ :: rest => c O = d O /\ agree (fun n => c (S n)) (fun n => d (S n)) rest
  end.

Theorem same_coefficients : forall atoms one other,
  agree (coefficient one) (coefficient other) atoms -> value atoms one = value atoms other.
Proof.
  intros atoms one other. rewrite !value_is_combination.
  generalize (coefficient one) (coefficient other). clear one other.
  induction atoms as [|first rest step]; intros c d same; simpl; [reflexivity|].
  destruct same as [head tail]. rewrite head, (step _ _ tail). reflexivity.
Qed.

End Combinations.

(** [atoms_of] collects the vectors that are not sums or multiples; [reify] names them by position. *)

Ltac is_in v atoms :=
  lazymatch atoms with
  | nil => false
  | v :: _ => true
  | _ :: ?rest => is_in v rest
  end.

Ltac position_of v atoms :=
  lazymatch atoms with
  | v :: _ => O
  | _ :: ?rest => let n := position_of v rest in constr:(S n)
  end.

Ltac atoms_of t atoms :=
  lazymatch t with
  | zero => atoms
  | add ?u ?v => let more := atoms_of u atoms in atoms_of v more
  | opposite ?u => atoms_of u atoms
  | scale _ ?u => atoms_of u atoms
  | ?v => lazymatch is_in v atoms with true => atoms | false => constr:(v :: atoms) end
  end.

Ltac reify t atoms :=
  lazymatch t with
  | zero => Zero
  | add ?u ?v => let left := reify u atoms in let right := reify v atoms in constr:(Sum left right)
  | opposite ?u => let inner := reify u atoms in constr:(Opposite inner)
  | scale ?a ?u => let inner := reify u atoms in constr:(Scaled a inner)
  | ?v => let n := position_of v atoms in constr:(Atom n)
  end.

Ltac vector :=
  lazymatch goal with
  | |- ?left = ?right =>
      let type := type of left in
      lazymatch type with
      | carrier ?V =>
          let some := atoms_of left (@nil (carrier V)) in
          let atoms := atoms_of right some in
          let e := reify left atoms in
          let d := reify right atoms in
          change (value V atoms e = value V atoms d);
          apply same_coefficients; simpl; repeat split; first [ring | lra | field; lra]
      end
  end.

(** ** First consequences *)

Section Norm.

Variable V : NormedSpace.

Lemma norm_zero : ‖(zero : V)‖ = 0.
Proof.
  rewrite <- (scale_zero V zero), norm_scale, Rabs_R0. ring.
Qed.

Lemma norm_opposite : forall u : V, ‖opposite u‖ = ‖u‖.
Proof.
  intro u. rewrite opposite_is_scale, norm_scale. replace (Rabs (-1)) with 1; [ring|].
  rewrite Rabs_left; lra.
Qed.

Lemma norm_nonnegative : forall u : V, 0 <= ‖u‖.
Proof.
  intro u. assert (‖u ⊖ u‖ <= ‖u‖ + ‖opposite u‖) as triangle by apply norm_triangle.
  rewrite add_opposite, norm_zero, norm_opposite in triangle. lra.
Qed.

Lemma distance_symmetric : forall u v : V, ‖u ⊖ v‖ = ‖v ⊖ u‖.
Proof.
  intros u v. rewrite <- norm_opposite. f_equal. vector.
Qed.

End Norm.
