(** * The tableaus of the library

    The coefficients of [natrob_theory/tableaus], each with its conditions proved by computation: row i of A has i
    entries before the diagonal, Σ_j a_ij = c_i, there is a weight for every stage, and Σ b_i = 1. A line of a tableau
    reads as in print: the node, then the row. *)

From Coq Require Import QArith Qreals Reals List Lia.
From NatrobProofs Require Import butcher_tableau.
Import ListNotations.
Open Scope Q_scope.

Definition euler : Tableau := {|
  stages := [(0, [])];
  weights := [1]
|}.

Definition heun : Tableau := {|
  stages := [(0, []); (1, [1])];
  weights := [1 # 2; 1 # 2]
|}.

Definition midpoint : Tableau := {|
  stages := [(0, []); (1 # 2, [1 # 2])];
  weights := [0; 1]
|}.

Definition rk4 : Tableau := {|
  stages := [(0, []); (1 # 2, [1 # 2]); (1 # 2, [0; 1 # 2]); (1, [0; 0; 1])];
  weights := [1 # 6; 1 # 3; 1 # 3; 1 # 6]
|}.

Definition three_eighths : Tableau := {|
  stages := [(0, []); (1 # 3, [1 # 3]); (2 # 3, [-1 # 3; 1]); (1, [1; -1 # 1; 1])];
  weights := [1 # 8; 3 # 8; 3 # 8; 1 # 8]
|}.

Definition heun_euler : Tableau := {|
  stages := [(0, []); (1, [1])];
  weights := [1 # 2; 1 # 2]
|}.

Definition bogacki_shampine : Tableau := {|
  stages := [(0, []); (1 # 2, [1 # 2]); (3 # 4, [0; 3 # 4]); (1, [2 # 9; 1 # 3; 4 # 9])];
  weights := [2 # 9; 1 # 3; 4 # 9; 0]
|}.

Definition fehlberg45 : Tableau := {|
  stages := [
    (0, []);
    (1 # 4, [1 # 4]);
    (3 # 8, [3 # 32; 9 # 32]);
    (12 # 13, [1932 # 2197; -7200 # 2197; 7296 # 2197]);
    (1, [439 # 216; -8 # 1; 3680 # 513; -845 # 4104]);
    (1 # 2, [-8 # 27; 2; -3544 # 2565; 1859 # 4104; -11 # 40])];
  weights := [25 # 216; 0; 1408 # 2565; 2197 # 4104; -1 # 5; 0]
|}.

Definition dopri5 : Tableau := {|
  stages := [
    (0, []);
    (1 # 5, [1 # 5]);
    (3 # 10, [3 # 40; 9 # 40]);
    (4 # 5, [44 # 45; -56 # 15; 32 # 9]);
    (8 # 9, [19372 # 6561; -25360 # 2187; 64448 # 6561; -212 # 729]);
    (1, [9017 # 3168; -355 # 33; 46732 # 5247; 49 # 176; -5103 # 18656]);
    (1, [35 # 384; 0; 500 # 1113; 125 # 192; -2187 # 6784; 11 # 84])];
  weights := [35 # 384; 0; 500 # 1113; 125 # 192; -2187 # 6784; 11 # 84; 0]
|}.

Definition tableaus : list Tableau :=
  [euler; heun; midpoint; rk4; three_eighths; heun_euler; bogacki_shampine; fehlberg45; dopri5].

(** ** The conditions *)

Definition sum (coefficients : list Q) : Q := fold_right Qplus 0 coefficients.

(** Stage i, counted from [number], has i entries, and they sum to its node. *)
Fixpoint rows_fit (number : nat) (remaining : list (Q * list Q)) : Prop :=
  match remaining with
  | [] => True
  | (node, row) :: rest => length row = number /\ sum row == node /\ rows_fit (S number) rest
  end.

Definition consistent (tableau : Tableau) : Prop :=
  rows_fit 0 (stages tableau) /\ length (weights tableau) = length (stages tableau) /\ sum (weights tableau) == 1.

Theorem tableaus_are_consistent : Forall consistent tableaus.
Proof.
  unfold tableaus, consistent. repeat constructor.
Qed.

(** ** Tableaus without negative coefficients *)

Definition nonnegative_tableaus : list Tableau := [euler; heun; midpoint; rk4; heun_euler; bogacki_shampine].

Theorem nonnegative_tableaus_are : Forall nonnegative_coefficients nonnegative_tableaus.
Proof.
  unfold nonnegative_tableaus, nonnegative_coefficients.
  repeat constructor; simpl; repeat constructor; unfold Qle; simpl; lia.
Qed.

(** The others have one. *)
Theorem others_have_a_negative_coefficient :
  Forall (fun tableau => ~ nonnegative_coefficients tableau) [three_eighths; fehlberg45; dopri5].
Proof.
  assert (forall (tableau : Tableau) stage a, In stage (stages tableau) -> In a (snd stage) -> a < 0 ->
    ~ nonnegative_coefficients tableau) as negative.
  { intros tableau stage a in_stages in_row below [_ rows].
    pose proof (proj1 (Forall_forall _ _) (proj1 (Forall_forall _ _) rows stage in_stages) a in_row) as above.
    exact (Qlt_not_le _ _ below above). }
  repeat constructor.
  - apply (negative three_eighths (2 # 3, [-1 # 3; 1]) (-1 # 3)); simpl; auto. reflexivity.
  - apply (negative fehlberg45 (1 # 2, [-8 # 27; 2; -3544 # 2565; 1859 # 4104; -11 # 40]) (-8 # 27)); simpl; auto 10.
    reflexivity.
  - apply (negative dopri5 (4 # 5, [44 # 45; -56 # 15; 32 # 9]) (-56 # 15)); simpl; auto 10. reflexivity.
Qed.

(** ** Constants computed *)

(** ‖b‖₁ of dopri5: the increment function's constant over K, as h → 0 *)
Lemma dopri5_constant_at_zero : increment_factor_Q Qabs.Qabs dopri5 0 == 5579 # 3392.
Proof.
  vm_compute. reflexivity.
Qed.

(** One step of dopri5 with h = 1 on y' = y *)
Lemma dopri5_stability_at_one : runge_kutta_stability_Q dopri5 1 = 1631 # 600.
Proof.
  vm_compute. reflexivity.
Qed.
